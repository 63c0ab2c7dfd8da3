defmodule PhoenixReleaseWeb.Endpoint do
  @moduledoc "Listens on `$PORT`."
  use Phoenix.Endpoint, otp_app: :phoenix_release, page: PhoenixReleaseWeb.Page
end
