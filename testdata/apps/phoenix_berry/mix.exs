defmodule PhoenixBerry.MixProject do
  use Mix.Project

  def project do
    [
      app: :phoenix_berry,
      version: "0.1.0",
      elixir: "~> 1.14",
      start_permanent: Mix.env() == :prod,
      deps: [{:phoenix, "~> 1.8"}]
    ]
  end

  def application do
    [extra_applications: [:logger], mod: {PhoenixBerry.Application, []}]
  end
end
