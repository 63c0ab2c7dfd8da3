defmodule Mix.Tasks.Esbuild.Install do
  @shortdoc "Tells whether esbuild is there"
  @moduledoc "`mix esbuild.install [--if-missing]` downloads nothing: it fails unless the wanted binary is in place."
  use Mix.Task

  @impl true
  def run(_args) do
    Mix.Task.run("loadpaths")
    if lack = Esbuild.lack(), do: Mix.raise(lack)
  end
end
