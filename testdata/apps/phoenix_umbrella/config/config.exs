import Config

config :shop_web, ShopWeb.Endpoint, http: [port: 4000]
config :admin_web, AdminWeb.Endpoint, http: [port: 4001]

config :esbuild,
  version: "0.25.0",
  admin_web: [
    args: ~w(js/app.js css/app.css --bundle --target=es2022 --outdir=../priv/static/assets --external:/images/*),
    cd: Path.expand("../apps/admin_web/assets", __DIR__),
    env: %{"NODE_PATH" => [Path.expand("../deps", __DIR__), Mix.Project.build_path()]}
  ]

if config_env() == :prod, do: import_config("prod.exs")
