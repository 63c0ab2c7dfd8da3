defmodule PhoenixRelease.MixProject do
  use Mix.Project

  def project do
    [
      app: :phoenix_release,
      version: "0.1.0",
      elixir: "~> 1.14",
      start_permanent: Mix.env() == :prod,
      releases: [phoenix_release: [include_executables_for: [:unix]]],
      deps: [{:phoenix, "~> 1.8"}]
    ]
  end

  def application do
    [extra_applications: [:logger], mod: {PhoenixRelease.Application, []}]
  end
end
