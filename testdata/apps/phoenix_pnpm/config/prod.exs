import Config

config :phoenix_pnpm, PhoenixPnpmWeb.Endpoint, cache_static_manifest: "priv/static/cache_manifest.json"
