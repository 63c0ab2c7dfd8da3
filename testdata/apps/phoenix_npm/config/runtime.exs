import Config

config :phoenix_npm, PhoenixNpmWeb.Endpoint, http: [port: String.to_integer(System.get_env("PORT", "4000"))]
