defmodule Esbuild.MixProject do
  use Mix.Project

  def project do
    [
      app: :esbuild,
      version: "0.10.0",
      elixir: "~> 1.14",
      description: "Stands in for the esbuild package in tests",
      deps: [],
      package: [licenses: ["MIT"], links: %{}, files: ~w[lib README.md mix.exs]]
    ]
  end

  def application, do: [extra_applications: [:logger]]
end
