import Config

port = String.to_integer(System.get_env("PORT", "4000"))
admin_port = String.to_integer(System.get_env("ADMIN_PORT", "#{port + 1}"))

config :shop_web, ShopWeb.Endpoint, http: [port: port]
config :admin_web, AdminWeb.Endpoint, http: [port: admin_port]
