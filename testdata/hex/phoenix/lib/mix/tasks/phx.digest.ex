defmodule Mix.Tasks.Phx.Digest do
  @shortdoc "Digests and compresses static files"
  @moduledoc "`mix phx.digest [INPUT] [-o OUTPUT] [--no-vsn] [--no-compile]`, by default in `priv/static`."
  use Mix.Task

  @recursive true
  @switches [output: :string, vsn: :boolean, compile: :boolean]

  @impl true
  def run(args) do
    if "--no-compile" not in args, do: Mix.Task.run("compile", args)
    Mix.Task.reenable("phx.digest")
    {opts, rest, _} = OptionParser.parse(args, switches: @switches, aliases: [o: :output])
    input = List.first(rest) || "priv/static"
    output = opts[:output] || input

    if :phoenix in Mix.Project.deps_apps() do
      {:ok, _} = Application.ensure_all_started(:phoenix)

      case Phoenix.Digester.compile(input, output, Keyword.get(opts, :vsn, true)) do
        :ok ->
          # What was made below `priv` has to be seen from the build's folder, too.
          Mix.Project.build_structure()
          Mix.shell().info([:green, "Check your digested files at #{inspect(output)}"])

        {:error, :invalid_path} ->
          Mix.shell().error("The input path #{inspect(input)} does not exist")
          exit({:shutdown, 1})
      end
    else
      Mix.shell().info([:yellow, "Not a phoenix project. Skipping digest."])
    end
  end
end
