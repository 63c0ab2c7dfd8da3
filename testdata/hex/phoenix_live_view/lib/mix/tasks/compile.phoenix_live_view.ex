defmodule Mix.Tasks.Compile.PhoenixLiveView do
  @moduledoc "Lists the colocated JavaScript of an app once its modules are compiled."
  use Mix.Task.Compiler

  @recursive true

  @impl true
  def run(_args) do
    Mix.Task.Compiler.after_compiler(:elixir, fn {status, problems} ->
      Phoenix.LiveView.ColocatedJS.index()
      {status, problems}
    end)

    :noop
  end
end
