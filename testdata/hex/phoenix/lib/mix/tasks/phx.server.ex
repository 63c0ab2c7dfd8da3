defmodule Mix.Tasks.Phx.Server do
  @shortdoc "Starts applications and their servers"
  @moduledoc "`mix phx.server`: as `mix run --no-halt`, with all endpoints listening."
  use Mix.Task

  @impl true
  def run(args) do
    Application.put_env(:phoenix, :serve_endpoints, true, persistent: true)
    Mix.Tasks.Run.run(["--no-halt" | args])
  end
end
