defmodule AdminWeb.MixProject do
  use Mix.Project

  def project do
    [
      app: :admin_web,
      version: "0.1.0",
      build_path: "../../_build",
      config_path: "../../config/config.exs",
      deps_path: "../../deps",
      lockfile: "../../mix.lock",
      elixir: "~> 1.14",
      aliases: aliases(),
      deps: [
        {:phoenix, "~> 1.8"},
        {:esbuild, "~> 0.10", runtime: false},
        {:shop, in_umbrella: true}
      ]
    ]
  end

  def application do
    [extra_applications: [:logger], mod: {AdminWeb.Application, []}]
  end

  defp aliases do
    [
      "assets.deploy": ["esbuild admin_web --minify", "phx.digest"]
    ]
  end
end
