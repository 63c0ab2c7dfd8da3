defmodule Phoenix.LiveView.MixProject do
  use Mix.Project

  def project do
    [
      app: :phoenix_live_view,
      version: "1.1.8",
      elixir: "~> 1.14",
      description: "Stands in for LiveView in tests",
      deps: [{:phoenix, "~> 1.8"}],
      package: [licenses: ["Apache-2.0"], links: %{}, files: ~w[lib README.md mix.exs]]
    ]
  end

  def application, do: [extra_applications: []]
end
