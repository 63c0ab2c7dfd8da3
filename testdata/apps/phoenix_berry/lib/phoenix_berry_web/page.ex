defmodule PhoenixBerryWeb.Page do
  @moduledoc "What there is to see."

  alias PhoenixBerryWeb.Endpoint

  @doc "The status, content type and body for a path."
  def answer("/"), do: {200, "text/html; charset=utf-8", html()}
  def answer(_path), do: {404, "text/plain", "Not found\n"}

  defp html do
    """
    <!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8">
        <title>phoenix_berry</title>
        <link rel="stylesheet" href="#{Endpoint.static_path("/assets/css/app.css")}">
        <script defer src="#{Endpoint.static_path("/assets/js/app.js")}"></script>
      </head>
      <body>
        <h1>phoenix_berry</h1>
        <p id="greeting">JavaScript has not run</p>
      </body>
    </html>
    """
  end
end
