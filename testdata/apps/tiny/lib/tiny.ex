defmodule Tiny do
  @moduledoc "Answers every request with one word; no packages."
  use Application

  @impl true
  def start(_type, _args) do
    port = String.to_integer(System.get_env("PORT", "4000"))
    Supervisor.start_link([{Task, fn -> listen(port) end}], strategy: :one_for_one)
  end

  def word, do: System.get_env("WORD", "tiny")

  defp listen(port) do
    {:ok, listener} = :gen_tcp.listen(port, [:binary, active: false, reuseaddr: true])
    IO.puts("Listening on port #{port}")
    accept(listener)
  end

  defp accept(listener) do
    {:ok, socket} = :gen_tcp.accept(listener)
    {:ok, _request} = :gen_tcp.recv(socket, 0)
    body = word()
    :gen_tcp.send(socket, "HTTP/1.1 200 OK\r\ncontent-length: #{byte_size(body)}\r\nconnection: close\r\n\r\n#{body}")
    :gen_tcp.close(socket)
    accept(listener)
  end
end
