defmodule AdminWeb.Application do
  @moduledoc false
  use Application

  @impl true
  def start(_type, _args) do
    Supervisor.start_link([AdminWeb.Endpoint], strategy: :one_for_one, name: AdminWeb.Supervisor)
  end
end
