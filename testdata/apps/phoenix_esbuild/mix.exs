defmodule PhoenixEsbuild.MixProject do
  use Mix.Project

  def project do
    [
      app: :phoenix_esbuild,
      version: "0.1.0",
      elixir: "~> 1.14",
      compilers: [:phoenix_live_view] ++ Mix.compilers(),
      start_permanent: Mix.env() == :prod,
      aliases: aliases(),
      deps: [
        {:phoenix, "~> 1.8"},
        {:phoenix_live_view, "~> 1.1"},
        {:esbuild, "~> 0.10", runtime: false}
      ]
    ]
  end

  def application do
    [extra_applications: [:logger], mod: {PhoenixEsbuild.Application, []}]
  end

  defp aliases do
    [
      "assets.setup": ["esbuild.install --if-missing"],
      "assets.deploy": ["esbuild phoenix_esbuild --minify", "phx.digest"]
    ]
  end
end
