import Config

config :phoenix_compile, PhoenixCompileWeb.Endpoint, http: [port: 4000]

if config_env() == :prod, do: import_config("prod.exs")
