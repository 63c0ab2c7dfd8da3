import Config

config :phoenix_release, PhoenixReleaseWeb.Endpoint, http: [port: 4000]

if config_env() == :prod, do: import_config("prod.exs")
