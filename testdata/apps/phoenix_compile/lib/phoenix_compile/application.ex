defmodule PhoenixCompile.Application do
  @moduledoc false
  use Application

  @impl true
  def start(_type, _args) do
    Supervisor.start_link([PhoenixCompileWeb.Endpoint], strategy: :one_for_one, name: PhoenixCompile.Supervisor)
  end
end
