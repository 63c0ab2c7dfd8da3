defmodule PhoenixRelease.Application do
  @moduledoc false
  use Application

  @impl true
  def start(_type, _args) do
    Supervisor.start_link([PhoenixReleaseWeb.Endpoint], strategy: :one_for_one, name: PhoenixRelease.Supervisor)
  end
end
