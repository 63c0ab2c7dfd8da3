import Config

config :phoenix_yarn, PhoenixYarnWeb.Endpoint, cache_static_manifest: "priv/static/cache_manifest.json"
