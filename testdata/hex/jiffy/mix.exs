defmodule Mix.Tasks.Compile.JiffyNif do
  @moduledoc "Compiles the C and C++ sources into `priv/jiffy.so`."
  use Mix.Task.Compiler

  @impl true
  def run(_args) do
    sources = Path.wildcard("c_src/**/*.{c,cc}")
    library = "priv/jiffy.so"

    if Mix.Utils.stale?(Path.wildcard("c_src/**/*.{c,cc,h}"), [library]) do
      File.mkdir_p!("priv")
      objects = Path.join(Mix.Project.app_path(), "objects")
      File.mkdir_p!(objects)

      compiled =
        sources
        |> Task.async_stream(&compile(&1, objects), timeout: :infinity)
        |> Enum.map(fn {:ok, object} -> object end)

      command("c++", ["-shared", "-o", library | compiled])
      File.rm_rf!(objects)
    end

    Mix.Project.build_structure()
    :ok
  end

  defp compile(source, objects) do
    object = Path.join(objects, String.replace(source, "/", "_") <> ".o")
    include = Path.join([:code.root_dir(), "usr", "include"])
    compiler = if Path.extname(source) == ".c", do: "cc", else: "c++"
    command(compiler, ~w[-O2 -fPIC -Ic_src -I#{include} -c -o #{object} #{source}])
    object
  end

  defp command(program, args) do
    case System.cmd(program, args, stderr_to_stdout: true) do
      {_output, 0} -> :ok
      {output, code} -> Mix.raise("#{program} ended with #{code}:\n#{output}")
    end
  end
end

defmodule Jiffy.MixProject do
  use Mix.Project

  def project do
    [
      app: :jiffy,
      version: "1.1.2",
      language: :erlang,
      description: "JSON decoder and encoder, a NIF",
      compilers: [:jiffy_nif, :erlang, :app],
      deps: [],
      package: [
        licenses: ["MIT", "BSD-3-Clause"],
        links: %{"GitHub" => "https://github.com/davisp/jiffy"},
        files: ~w[c_src src LICENSE README.md mix.exs]
      ]
    ]
  end

  def application, do: [extra_applications: []]
end
