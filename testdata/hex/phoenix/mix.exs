defmodule Phoenix.MixProject do
  use Mix.Project

  def project do
    [
      app: :phoenix,
      version: "1.8.1",
      elixir: "~> 1.14",
      description: "Stands in for Phoenix in tests",
      deps: [],
      package: [licenses: ["Apache-2.0"], links: %{}, files: ~w[lib priv package.json README.md mix.exs]]
    ]
  end

  def application do
    [
      extra_applications: [:crypto, :logger],
      env: [serve_endpoints: false, gzippable_exts: ~w[.js .mjs .map .css .txt .html .json .svg]]
    ]
  end
end
