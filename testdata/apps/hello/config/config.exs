import Config

config :hello, title: "Hello from #{config_env()}"
