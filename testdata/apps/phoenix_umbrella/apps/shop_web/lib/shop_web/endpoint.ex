defmodule ShopWeb.Endpoint do
  @moduledoc "Listens on `$PORT`."
  use Phoenix.Endpoint, otp_app: :shop_web, page: ShopWeb.Page
end
