defmodule AdminWeb.Endpoint do
  @moduledoc "Listens on `$ADMIN_PORT`."
  use Phoenix.Endpoint, otp_app: :admin_web, page: AdminWeb.Page
end
