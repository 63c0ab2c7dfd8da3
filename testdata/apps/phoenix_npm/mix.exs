defmodule PhoenixNpm.MixProject do
  use Mix.Project

  def project do
    [
      app: :phoenix_npm,
      version: "0.1.0",
      elixir: "~> 1.14",
      compilers: [:phoenix_live_view] ++ Mix.compilers(),
      start_permanent: Mix.env() == :prod,
      deps: [
        {:phoenix, "~> 1.8"},
        {:phoenix_live_view, "~> 1.1"}
      ]
    ]
  end

  def application do
    [extra_applications: [:logger], mod: {PhoenixNpm.Application, []}]
  end
end
