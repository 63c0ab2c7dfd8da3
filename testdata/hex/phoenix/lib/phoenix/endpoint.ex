defmodule Phoenix.Endpoint do
  @moduledoc """
  `use Phoenix.Endpoint, otp_app: :shop, page: ShopWeb.Page` makes a child for the app's supervisor.

  Its config is `config :shop, ShopWeb.Endpoint` with `http: [port: …]`, `cache_static_manifest: "priv/static/…"` and
  `server: true`. It listens where `server` says so or `mix phx.server` was the start. `page` has `answer(path)`, which
  gives status, content type and body.
  """
  require Logger

  defmacro __using__(opts) do
    quote do
      @otp_app unquote(opts[:otp_app])
      @page unquote(opts[:page])

      def child_spec(_), do: %{id: __MODULE__, start: {__MODULE__, :start_link, []}, type: :supervisor}
      def start_link, do: Phoenix.Endpoint.start_link(__MODULE__, @otp_app, @page)

      @doc "The path with the digest of the file's content, as the manifest knows it."
      def static_path(path), do: Phoenix.Endpoint.static_path(__MODULE__, path)
    end
  end

  @doc false
  def start_link(endpoint, app, page) do
    config = Application.get_env(app, endpoint, [])
    :persistent_term.put({__MODULE__, endpoint}, latest(app, config[:cache_static_manifest]))

    children =
      if Keyword.get(config, :server, Application.get_env(:phoenix, :serve_endpoints)) do
        port = config |> Keyword.fetch!(:http) |> Keyword.fetch!(:port)
        [{Phoenix.Endpoint.Server, %{port: port, name: endpoint, app: app, page: page}}]
      else
        Logger.info("#{inspect(endpoint)} does not listen; `mix phx.server` or `server: true` makes it")
        []
      end

    Supervisor.start_link(children, strategy: :one_for_one)
  end

  @doc false
  def static_path(endpoint, "/" <> path) do
    case :persistent_term.get({__MODULE__, endpoint}, %{}) do
      %{^path => digested} -> "/" <> digested <> "?vsn=d"
      _ -> "/" <> path
    end
  end

  defp latest(_app, nil), do: %{}

  defp latest(app, manifest) do
    path = Application.app_dir(app, manifest)

    if File.exists?(path) do
      Phoenix.Digester.manifest(Path.dirname(path))["latest"]
    else
      Logger.error(
        "Could not find static manifest at #{inspect(path)}. Run \"mix phx.digest\" after building your static " <>
          "files or remove the \"cache_static_manifest\" configuration"
      )

      %{}
    end
  end
end
