defmodule Mix.Tasks.Esbuild do
  @shortdoc "Runs esbuild with a profile's arguments"
  @moduledoc "`mix esbuild PROFILE [ARGUMENTS]`"
  use Mix.Task

  @impl true
  def run([profile | args]) do
    Mix.Task.run("loadpaths")
    Mix.Task.reenable("esbuild")
    if lack = Esbuild.lack(), do: Mix.raise(lack)
    code = Esbuild.run(String.to_atom(profile), args)
    if code != 0, do: Mix.raise("`mix esbuild #{profile}` exited with #{code}")
  end

  def run([]), do: Mix.raise("`mix esbuild` needs the name of a profile")
end
