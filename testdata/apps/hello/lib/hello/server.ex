defmodule Hello.Server do
  @moduledoc "Answers HTTP requests, one process for each connection."
  use Task, restart: :permanent
  require Logger

  def start_link(port), do: Task.start_link(__MODULE__, :listen, [port])

  def listen(port) do
    options = [:binary, packet: :http_bin, active: false, reuseaddr: true, ip: {0, 0, 0, 0}]
    {:ok, listener} = :gen_tcp.listen(port, options)
    Logger.info("Listening on port #{port}")
    accept(listener)
  end

  defp accept(listener) do
    {:ok, socket} = :gen_tcp.accept(listener)
    {:ok, pid} = Task.start(fn -> receive(do: (:go -> serve(socket))) end)
    :ok = :gen_tcp.controlling_process(socket, pid)
    send(pid, :go)
    accept(listener)
  end

  defp serve(socket) do
    with {:ok, {:http_request, method, {:abs_path, path}, _version}} <- receive_part(socket),
         :ok <- skip_headers(socket) do
      {status, type, body} = Hello.Page.answer(method, path)

      :gen_tcp.send(socket, [
        "HTTP/1.1 #{status}\r\ncontent-type: #{type}\r\n",
        "content-length: #{IO.iodata_length(body)}\r\nconnection: close\r\n\r\n",
        if(method == :HEAD, do: [], else: body)
      ])
    end

    :gen_tcp.close(socket)
  end

  defp skip_headers(socket) do
    case receive_part(socket) do
      {:ok, :http_eoh} -> :ok
      {:ok, {:http_header, _, _, _, _}} -> skip_headers(socket)
      _ -> :error
    end
  end

  defp receive_part(socket), do: :gen_tcp.recv(socket, 0, 5_000)
end
