import Config

config :phoenix_berry, PhoenixBerryWeb.Endpoint, cache_static_manifest: "priv/static/cache_manifest.json"
