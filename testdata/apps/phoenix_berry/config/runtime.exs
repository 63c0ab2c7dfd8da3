import Config

config :phoenix_berry, PhoenixBerryWeb.Endpoint, http: [port: String.to_integer(System.get_env("PORT", "4000"))]
