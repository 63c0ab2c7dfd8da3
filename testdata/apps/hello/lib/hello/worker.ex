defmodule Hello.Worker do
  @moduledoc "A process type without a port."

  def run do
    IO.puts("Working")
    Process.sleep(:infinity)
  end
end
