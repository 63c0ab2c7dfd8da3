import Config

config :phoenix_compile, PhoenixCompileWeb.Endpoint, cache_static_manifest: "priv/static/cache_manifest.json"
