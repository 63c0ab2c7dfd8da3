import Config

config :phoenix_berry, PhoenixBerryWeb.Endpoint, http: [port: 4000]

if config_env() == :prod, do: import_config("prod.exs")
