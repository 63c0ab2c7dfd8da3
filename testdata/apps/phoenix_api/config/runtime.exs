import Config

config :phoenix_api, PhoenixApiWeb.Endpoint, http: [port: String.to_integer(System.get_env("PORT", "4000"))]
