defmodule PhoenixYarnWeb.Endpoint do
  @moduledoc "Listens on `$PORT`."
  use Phoenix.Endpoint, otp_app: :phoenix_yarn, page: PhoenixYarnWeb.Page
end
