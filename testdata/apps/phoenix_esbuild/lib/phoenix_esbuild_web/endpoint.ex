defmodule PhoenixEsbuildWeb.Endpoint do
  @moduledoc "Listens on `$PORT`."
  use Phoenix.Endpoint, otp_app: :phoenix_esbuild, page: PhoenixEsbuildWeb.Page
end
