defmodule Hello.Page do
  @moduledoc "What there is to see."

  @example """
  defmodule Greeter do
    def greet(name), do: "\#{System.fetch_env!("GREETING")}, \#{name}!"
  end
  """

  # Highlighted when the app is compiled: the packages have to work at that time already. The prefix is random
  # unless it is given, and the compiled module would differ every time.
  @highlighted Makeup.highlight(@example,
                 lexer: Makeup.Lexers.ElixirLexer,
                 lexer_options: [group_prefix: "example"]
               )

  @doc "The status, content type and body for a request."
  def answer(method, path) when method in [:GET, :HEAD] do
    case path do
      "/" -> {"200 OK", "text/html; charset=utf-8", html()}
      "/data.json" -> {"200 OK", "application/json", json()}
      _ -> {"404 Not Found", "text/plain", "Not found\n"}
    end
  end

  def answer(_method, _path), do: {"405 Method Not Allowed", "text/plain", "Only GET and HEAD\n"}

  defp html do
    """
    <!doctype html>
    <title>#{setting(:title)}</title>
    <style>#{Makeup.stylesheet()}</style>
    <h1>#{setting(:greeting)}, world</h1>
    #{@highlighted}
    """
  end

  defp json do
    :jiffy.encode(%{
      greeting: setting(:greeting),
      elixir: System.version(),
      otp: List.to_string(:erlang.system_info(:otp_release))
    })
  end

  defp setting(name), do: Application.fetch_env!(:hello, name)
end
