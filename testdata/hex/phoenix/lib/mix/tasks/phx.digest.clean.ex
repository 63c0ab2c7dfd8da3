defmodule Mix.Tasks.Phx.Digest.Clean do
  @shortdoc "Removes old versions of static files"
  @moduledoc "`mix phx.digest.clean [--age 3600] [--keep 2] [--all] [-o priv/static]`"
  use Mix.Task

  @recursive true
  @switches [output: :string, age: :integer, keep: :integer, all: :boolean, compile: :boolean]

  @impl true
  def run(args) do
    if "--no-compile" not in args, do: Mix.Task.run("compile", args)
    {:ok, _} = Application.ensure_all_started(:phoenix)
    {opts, _, _} = OptionParser.parse(args, switches: @switches, aliases: [o: :output])
    output = opts[:output] || "priv/static"

    cleaned =
      if opts[:all],
        do: Phoenix.Digester.clean_all(output),
        else: Phoenix.Digester.clean(output, opts[:age] || 3600, opts[:keep] || 2)

    case cleaned do
      :ok -> Mix.shell().info([:green, "Clean complete for #{inspect(output)}"])
      {:error, :invalid_path} -> Mix.shell().error("The output path #{inspect(output)} does not exist")
    end
  end
end
