defmodule PhoenixCompileWeb.Endpoint do
  @moduledoc "Listens on `$PORT`."
  use Phoenix.Endpoint, otp_app: :phoenix_compile, page: PhoenixCompileWeb.Page
end
