defmodule PhoenixNpmWeb.Endpoint do
  @moduledoc "Listens on `$PORT`."
  use Phoenix.Endpoint, otp_app: :phoenix_npm, page: PhoenixNpmWeb.Page
end
