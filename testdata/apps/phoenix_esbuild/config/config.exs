import Config

config :phoenix_esbuild, PhoenixEsbuildWeb.Endpoint, http: [port: 4000]

config :esbuild,
  version: "0.25.0",
  phoenix_esbuild: [
    args: ~w(js/app.js css/app.css --bundle --target=es2022 --outdir=../priv/static/assets --external:/images/*),
    cd: Path.expand("../assets", __DIR__),
    env: %{"NODE_PATH" => [Path.expand("../deps", __DIR__), Mix.Project.build_path()]}
  ]

if config_env() == :prod, do: import_config("prod.exs")
