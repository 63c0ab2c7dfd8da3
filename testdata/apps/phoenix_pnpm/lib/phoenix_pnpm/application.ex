defmodule PhoenixPnpm.Application do
  @moduledoc false
  use Application

  @impl true
  def start(_type, _args) do
    Supervisor.start_link([PhoenixPnpmWeb.Endpoint], strategy: :one_for_one, name: PhoenixPnpm.Supervisor)
  end
end
