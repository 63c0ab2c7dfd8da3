defmodule Phoenix.LiveView.ColocatedJS do
  @moduledoc """
  JavaScript that stands in the module that it belongs to.

      use Phoenix.LiveView.ColocatedJS
      colocated "greeting", ~S"export default () => 'hello'"

  `_build/ENV/phoenix-colocated/APP/MODULE/greeting.js` is written when the module is compiled. The `:phoenix_live_view`
  compiler then lists all of them in `index.js`, for `import colocated from "phoenix-colocated/APP"`.
  """

  defmacro __using__(_) do
    quote do
      import unquote(__MODULE__), only: [colocated: 2]
      Module.register_attribute(__MODULE__, :colocated, accumulate: true)
      @before_compile unquote(__MODULE__)
    end
  end

  defmacro colocated(name, source) do
    quote(do: @colocated({unquote(name), unquote(source)}))
  end

  defmacro __before_compile__(env) do
    folder = Path.join(folder(), Atom.to_string(env.module))
    File.rm_rf!(folder)
    File.mkdir_p!(folder)

    for {name, source} <- Module.get_attribute(env.module, :colocated),
        do: File.write!(Path.join(folder, name <> ".js"), source)

    quote do
      @doc false
      def __colocated__, do: :ok
    end
  end

  @doc "Where the code of the project that is being compiled goes."
  def folder,
    do: Path.join([Mix.Project.build_path(), "phoenix-colocated", "#{Mix.Project.config()[:app]}"])

  @doc "Writes `index.js`, and removes what belongs to modules that are no more, or have none any more."
  def index do
    beams = Mix.Project.compile_path()

    modules =
      for module <- sorted(folder()), module != "index.js" do
        kept? = colocates?(Path.join(beams, module <> ".beam"))
        unless kept?, do: File.rm_rf!(Path.join(folder(), module))
        {module, kept?}
      end

    files =
      for {module, true} <- modules, file <- sorted(Path.join(folder(), module)), do: {module, file}

    imports =
      for {{module, file}, n} <- Enum.with_index(files), do: ~s(import js#{n} from "./#{module}/#{file}"\n)

    names =
      for {{module, file}, n} <- Enum.with_index(files) do
        "Elixir." <> module = module
        ~s(  "#{module}.#{Path.rootname(file)}": js#{n},\n)
      end

    path = Path.join(folder(), "index.js")
    index = IO.iodata_to_binary([imports, "export default {\n", names, "}\n"])

    if File.read(path) != {:ok, index} do
      File.mkdir_p!(folder())
      File.write!(path, index)
    end
  end

  defp colocates?(beam) do
    case :beam_lib.chunks(String.to_charlist(beam), [:exports]) do
      {:ok, {_, exports: exports}} -> {:__colocated__, 0} in exports
      {:error, :beam_lib, _} -> false
    end
  end

  defp sorted(folder) do
    case File.ls(folder) do
      {:ok, names} -> Enum.sort(names)
      {:error, _} -> []
    end
  end
end
