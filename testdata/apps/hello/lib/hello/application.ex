defmodule Hello.Application do
  @moduledoc false
  use Application

  @impl true
  def start(_type, _args) do
    port = Application.fetch_env!(:hello, :port)
    Supervisor.start_link([{Hello.Server, port}], strategy: :one_for_one, name: Hello.Supervisor)
  end
end
