defmodule PhoenixNpm.Application do
  @moduledoc false
  use Application

  @impl true
  def start(_type, _args) do
    Supervisor.start_link([PhoenixNpmWeb.Endpoint], strategy: :one_for_one, name: PhoenixNpm.Supervisor)
  end
end
