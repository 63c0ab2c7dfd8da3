import Config

config :phoenix_release, PhoenixReleaseWeb.Endpoint, cache_static_manifest: "priv/static/cache_manifest.json"
