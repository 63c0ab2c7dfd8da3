import Config

config :phoenix_yarn, PhoenixYarnWeb.Endpoint, http: [port: String.to_integer(System.get_env("PORT", "4000"))]
