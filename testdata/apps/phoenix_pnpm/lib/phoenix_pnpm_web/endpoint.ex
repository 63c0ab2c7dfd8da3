defmodule PhoenixPnpmWeb.Endpoint do
  @moduledoc "Listens on `$PORT`."
  use Phoenix.Endpoint, otp_app: :phoenix_pnpm, page: PhoenixPnpmWeb.Page
end
