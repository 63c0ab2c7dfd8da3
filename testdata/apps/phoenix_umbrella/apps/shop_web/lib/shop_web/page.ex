defmodule ShopWeb.Page do
  @moduledoc "What there is to see."
  use Phoenix.LiveView.ColocatedJS

  alias ShopWeb.Endpoint

  colocated("greeting", """
  export default () => "Hello from the shop"
  """)

  @doc "The status, content type and body for a path."
  def answer("/"), do: {200, "text/html; charset=utf-8", html()}
  def answer(_path), do: {404, "text/plain", "Not found\n"}

  defp html do
    """
    <!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8">
        <title>shop_web</title>
        <link rel="stylesheet" href="#{Endpoint.static_path("/assets/css/app.css")}">
        <script defer src="#{Endpoint.static_path("/assets/js/app.js")}"></script>
      </head>
      <body>
        <h1>shop_web</h1>
        <ul>#{products()}</ul>
        <p id="greeting">JavaScript has not run</p>
      </body>
    </html>
    """
  end

  defp products, do: Enum.map_join(Shop.products(), &"<li>#{&1}</li>")
end
