import Config

config :phoenix_esbuild, PhoenixEsbuildWeb.Endpoint, http: [port: String.to_integer(System.get_env("PORT", "4000"))]
