defmodule Phoenix.Endpoint.Static do
  @moduledoc "Serves files of `priv/static`, with ETags made of size and time as `Plug.Static` does."

  @types %{
    ".css" => "text/css; charset=utf-8",
    ".js" => "text/javascript; charset=utf-8",
    ".json" => "application/json",
    ".map" => "application/json",
    ".svg" => "image/svg+xml",
    ".txt" => "text/plain; charset=utf-8"
  }

  @doc "None where there is no such file."
  def answer(app, path, digested?, headers) do
    with true <- path =~ ~r{\A(/[\w-][\w.-]*)+\z},
         file = Application.app_dir(app, "priv/static" <> path),
         true <- File.regular?(file) do
      gzip? = String.contains?(Map.get(headers, "accept-encoding", ""), "gzip") and File.regular?(file <> ".gz")
      send_file(if(gzip?, do: file <> ".gz", else: file), path, gzip?, digested?, headers)
    else
      _ -> nil
    end
  end

  defp send_file(file, path, gzip?, digested?, headers) do
    %File.Stat{size: size, mtime: mtime} = File.stat!(file)
    tag = ~s("#{Integer.to_string(:erlang.phash2({size, mtime}), 16)}")
    caching = if digested?, do: "public, max-age=31536000, immutable", else: "public"

    head =
      [
        {"content-type", Map.get(@types, Path.extname(path), "application/octet-stream")},
        {"cache-control", caching},
        {"etag", tag},
        {"vary", "Accept-Encoding"}
      ] ++ if(gzip?, do: [{"content-encoding", "gzip"}], else: [])

    if headers["if-none-match"] == tag, do: {304, head, []}, else: {200, head, File.read!(file)}
  end
end
