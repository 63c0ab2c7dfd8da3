defmodule PhoenixBerryWeb.Endpoint do
  @moduledoc "Listens on `$PORT`."
  use Phoenix.Endpoint, otp_app: :phoenix_berry, page: PhoenixBerryWeb.Page
end
