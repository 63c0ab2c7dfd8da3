defmodule PhoenixEsbuild.Application do
  @moduledoc false
  use Application

  @impl true
  def start(_type, _args) do
    Supervisor.start_link([PhoenixEsbuildWeb.Endpoint], strategy: :one_for_one, name: PhoenixEsbuild.Supervisor)
  end
end
