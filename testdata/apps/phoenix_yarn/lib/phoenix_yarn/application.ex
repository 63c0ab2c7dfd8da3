defmodule PhoenixYarn.Application do
  @moduledoc false
  use Application

  @impl true
  def start(_type, _args) do
    Supervisor.start_link([PhoenixYarnWeb.Endpoint], strategy: :one_for_one, name: PhoenixYarn.Supervisor)
  end
end
