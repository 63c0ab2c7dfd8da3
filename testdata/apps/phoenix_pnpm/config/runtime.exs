import Config

config :phoenix_pnpm, PhoenixPnpmWeb.Endpoint, http: [port: String.to_integer(System.get_env("PORT", "4000"))]
