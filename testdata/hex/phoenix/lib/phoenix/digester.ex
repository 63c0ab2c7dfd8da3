defmodule Phoenix.Digester do
  @moduledoc """
  Names that change with the content, gzip copies, and a manifest that tells which name is the newest.

  `cache_manifest.json` is `%{"version" => 1, "latest" => %{plain => digested}, "digests" => %{digested => facts}}` with
  paths below the folder; `mtime` of the facts is when it was digested, in seconds since year 0.
  """

  @manifest "cache_manifest.json"
  @digested ~r/-[a-f\d]{32}(\.[^.]+)?(\.gz)?\z/

  @doc "Digests the files of a folder; those of earlier times stay, and stay in the manifest."
  def compile(input, output, vsn? \\ true) do
    if File.dir?(input) do
      files = for path <- plain(input), do: read(input, path)
      latest = Map.new(files, &{&1.path, &1.digested})

      for file <- files do
        content = references(file, latest, vsn?)
        write(output, file.path, file.content)
        write(output, file.digested, content)
      end

      known = manifest(output)["digests"]
      kept = Map.filter(known, fn {path, _} -> File.exists?(Path.join(output, path)) end)
      new = Map.new(files, &{&1.digested, facts(&1)})
      save(output, latest, Map.merge(kept, new))
    else
      {:error, :invalid_path}
    end
  end

  @doc "Removes versions that are not the newest and are older than `age` seconds or more than `keep` behind."
  def clean(folder, age, keep) do
    with_folder(folder, fn %{"latest" => latest, "digests" => digests} ->
      oldest = now() - age

      old =
        digests
        |> Map.drop(Map.values(latest))
        |> Enum.group_by(fn {_, facts} -> facts["logical_path"] end)
        |> Enum.flat_map(fn {_, versions} ->
          versions
          |> Enum.sort_by(fn {_, facts} -> -facts["mtime"] end)
          |> Enum.with_index(1)
          |> Enum.filter(fn {{_, facts}, index} -> facts["mtime"] < oldest or index > keep end)
          |> Enum.map(fn {{path, _}, _} -> path end)
        end)

      remove(folder, old)
      save(folder, latest, Map.drop(digests, old))
    end)
  end

  @doc "Removes all that was ever made."
  def clean_all(folder) do
    with_folder(folder, fn %{"latest" => latest, "digests" => digests} ->
      remove(folder, Map.keys(digests))
      for path <- Map.keys(latest), do: File.rm(Path.join(folder, path <> ".gz"))
      File.rm(Path.join(folder, @manifest))
      :ok
    end)
  end

  @doc "The manifest of a folder; an empty one where there is none."
  def manifest(folder) do
    case File.read(Path.join(folder, @manifest)) do
      {:ok, text} -> Phoenix.JSON.decode!(text)
      {:error, _} -> %{"version" => 1, "latest" => %{}, "digests" => %{}}
    end
  end

  defp with_folder(folder, fun) do
    if File.dir?(folder), do: fun.(manifest(folder)), else: {:error, :invalid_path}
  end

  defp plain(input) do
    for path <- Path.wildcard(Path.join(input, "**")),
        File.regular?(path),
        name = Path.basename(path),
        name != @manifest and Path.extname(name) != ".gz" and not (name =~ @digested),
        do: Path.relative_to(path, input)
  end

  defp read(input, path) do
    content = File.read!(Path.join(input, path))
    digest = Base.encode16(:erlang.md5(content), case: :lower)
    digested = Path.rootname(path) <> "-" <> digest <> Path.extname(path)
    %{path: path, digested: digested, digest: digest, content: content}
  end

  defp facts(file) do
    %{
      "logical_path" => file.path,
      "mtime" => now(),
      "size" => byte_size(file.content),
      "digest" => file.digest,
      "sha512" => Base.encode64(:crypto.hash(:sha512, file.content))
    }
  end

  defp write(output, path, content) do
    at = Path.join(output, path)
    File.mkdir_p!(Path.dirname(at))
    File.write!(at, content)

    if Path.extname(path) in Application.fetch_env!(:phoenix, :gzippable_exts),
      do: File.write!(at <> ".gz", :zlib.gzip(content))
  end

  # Only references from the root are put right, as `url(/images/logo.svg)`.
  defp references(%{path: path, content: content}, latest, vsn?) do
    if Path.extname(path) == ".css" do
      Regex.replace(~r{(url\(["']?/)([^"')?#]+)}, content, fn whole, open, path ->
        case latest do
          %{^path => digested} -> open <> digested <> if(vsn?, do: "?vsn=d", else: "")
          _ -> whole
        end
      end)
    else
      content
    end
  end

  defp save(output, latest, digests) do
    text = Phoenix.JSON.encode(%{"version" => 1, "latest" => latest, "digests" => digests})
    File.write!(Path.join(output, @manifest), text)
  end

  defp remove(folder, paths) do
    for path <- paths, end_ <- ["", ".gz"], do: File.rm(Path.join(folder, path <> end_))
  end

  defp now, do: :calendar.datetime_to_gregorian_seconds(:calendar.universal_time())
end
