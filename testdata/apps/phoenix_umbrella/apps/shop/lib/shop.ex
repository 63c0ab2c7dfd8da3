defmodule Shop do
  @moduledoc "What both web apps show."

  @doc "The names of what is sold."
  def products, do: ["Bread", "Cheese", "Pears"]
end
