defmodule PhoenixApiWeb.Page do
  @moduledoc "What there is to see."

  @doc "The status, content type and body for a path."
  def answer("/"), do: {200, "text/html; charset=utf-8", "<!doctype html>\n<title>phoenix_api</title>\n<h1>phoenix_api</h1>\n"}
  def answer("/api/status"), do: {200, "application/json", ~s({"status":"up"}\n)}
  def answer(_path), do: {404, "text/plain", "Not found\n"}
end
