defmodule PhoenixApiWeb.Endpoint do
  @moduledoc "Listens on `$PORT`."
  use Phoenix.Endpoint, otp_app: :phoenix_api, page: PhoenixApiWeb.Page
end
