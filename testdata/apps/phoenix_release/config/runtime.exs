import Config

config :phoenix_release, PhoenixReleaseWeb.Endpoint, http: [port: String.to_integer(System.get_env("PORT", "4000"))]

if System.get_env("PHX_SERVER"), do: config(:phoenix_release, PhoenixReleaseWeb.Endpoint, server: true)

if config_env() == :prod do
  secret =
    System.get_env("SECRET_KEY_BASE") ||
      raise "environment variable SECRET_KEY_BASE is missing"

  config :phoenix_release, PhoenixReleaseWeb.Endpoint, secret_key_base: secret
end
