import Config

config :phoenix_compile, PhoenixCompileWeb.Endpoint, http: [port: String.to_integer(System.get_env("PORT", "4000"))]
