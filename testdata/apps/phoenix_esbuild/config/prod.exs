import Config

config :phoenix_esbuild, PhoenixEsbuildWeb.Endpoint, cache_static_manifest: "priv/static/cache_manifest.json"
