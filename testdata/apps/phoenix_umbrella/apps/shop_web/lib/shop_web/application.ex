defmodule ShopWeb.Application do
  @moduledoc false
  use Application

  @impl true
  def start(_type, _args) do
    Supervisor.start_link([ShopWeb.Endpoint], strategy: :one_for_one, name: ShopWeb.Supervisor)
  end
end
