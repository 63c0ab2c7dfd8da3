defmodule Phoenix.Endpoint.Server do
  @moduledoc "Answers HTTP requests, one process for each connection."
  use Task, restart: :permanent
  require Logger

  alias Phoenix.Endpoint.Static

  def start_link(settings), do: Task.start_link(__MODULE__, :listen, [settings])

  @doc false
  def listen(settings) do
    options = [:binary, packet: :http_bin, active: false, reuseaddr: true, ip: {0, 0, 0, 0}]
    {:ok, listener} = :gen_tcp.listen(settings.port, options)
    Logger.info("Running #{inspect(settings.name)} at 0.0.0.0:#{settings.port} (http)")
    accept(listener, settings)
  end

  defp accept(listener, settings) do
    {:ok, socket} = :gen_tcp.accept(listener)
    {:ok, pid} = Task.start(fn -> receive(do: (:go -> serve(socket, settings))) end)
    :ok = :gen_tcp.controlling_process(socket, pid)
    send(pid, :go)
    accept(listener, settings)
  end

  defp serve(socket, settings) do
    with {:ok, {:http_request, method, {:abs_path, target}, _version}} <- receive_part(socket),
         {:ok, headers} <- headers(socket, %{}) do
      {status, head, body} = answer(method, String.split(target, "?", parts: 2), headers, settings)
      length = if status == 304, do: [], else: ["content-length: #{IO.iodata_length(body)}\r\n"]

      :gen_tcp.send(socket, [
        "HTTP/1.1 #{status} #{phrase(status)}\r\n",
        for({name, value} <- head, do: [name, ": ", value, "\r\n"]),
        length,
        "connection: close\r\n\r\n",
        if(method == :HEAD, do: [], else: body)
      ])
    end

    :gen_tcp.close(socket)
  end

  defp answer(method, [path | query], headers, settings) when method in [:GET, :HEAD] do
    with nil <- Static.answer(settings.app, path, query == ["vsn=d"], headers) do
      {status, type, body} = settings.page.answer(path)
      {status, [{"content-type", type}], body}
    end
  end

  defp answer(_method, _target, _headers, _settings),
    do: {405, [{"content-type", "text/plain"}], "Only GET and HEAD\n"}

  defp headers(socket, all) do
    case receive_part(socket) do
      {:ok, :http_eoh} -> {:ok, all}
      {:ok, {:http_header, _, name, _, value}} -> headers(socket, Map.put(all, downcase(name), value))
      _ -> :error
    end
  end

  defp downcase(name), do: name |> to_string() |> String.downcase()

  defp phrase(200), do: "OK"
  defp phrase(304), do: "Not Modified"
  defp phrase(404), do: "Not Found"
  defp phrase(405), do: "Method Not Allowed"
  defp phrase(_), do: "Other"

  defp receive_part(socket), do: :gen_tcp.recv(socket, 0, 5_000)
end
