defmodule PhoenixBerry.Application do
  @moduledoc false
  use Application

  @impl true
  def start(_type, _args) do
    Supervisor.start_link([PhoenixBerryWeb.Endpoint], strategy: :one_for_one, name: PhoenixBerry.Supervisor)
  end
end
