import Config

config :phoenix_npm, PhoenixNpmWeb.Endpoint, cache_static_manifest: "priv/static/cache_manifest.json"
