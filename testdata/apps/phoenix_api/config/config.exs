import Config

config :phoenix_api, PhoenixApiWeb.Endpoint, http: [port: 4000]
