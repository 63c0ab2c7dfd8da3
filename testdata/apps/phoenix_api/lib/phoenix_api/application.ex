defmodule PhoenixApi.Application do
  @moduledoc false
  use Application

  @impl true
  def start(_type, _args) do
    Supervisor.start_link([PhoenixApiWeb.Endpoint], strategy: :one_for_one, name: PhoenixApi.Supervisor)
  end
end
