defmodule Phoenix.JSON do
  @moduledoc "The JSON of cache manifests. Elixirs before 1.18 have none of their own."

  @doc "Keys of maps are strings or atoms; they come out sorted."
  def encode(map) when is_map(map) do
    pairs =
      map
      |> Enum.map(fn {key, value} -> {to_string(key), value} end)
      |> Enum.sort()
      |> Enum.map_join(",", fn {key, value} -> encode(key) <> ":" <> encode(value) end)

    "{" <> pairs <> "}"
  end

  def encode(list) when is_list(list), do: "[" <> Enum.map_join(list, ",", &encode/1) <> "]"
  def encode(number) when is_integer(number), do: Integer.to_string(number)
  def encode(atom) when atom in [true, false, nil], do: if(is_nil(atom), do: "null", else: "#{atom}")
  def encode(text) when is_binary(text), do: <<?", escape(text)::binary, ?">>

  defp escape(text) do
    for <<char::utf8 <- text>>, into: "" do
      cond do
        char in [?", ?\\] -> <<?\\, char>>
        char < 0x20 -> "\\u" <> String.pad_leading(Integer.to_string(char, 16), 4, "0")
        true -> <<char::utf8>>
      end
    end
  end

  @doc "Raises on text that is not JSON. Numbers are integers."
  def decode!(text) do
    {value, rest} = value(skip(text))
    "" = skip(rest)
    value
  end

  defp value("{" <> rest), do: object(skip(rest), %{})
  defp value("[" <> rest), do: list(skip(rest), [])
  defp value("\"" <> rest), do: string(rest, [])
  defp value("true" <> rest), do: {true, rest}
  defp value("false" <> rest), do: {false, rest}
  defp value("null" <> rest), do: {nil, rest}
  defp value(text), do: {_, _} = Integer.parse(text)

  defp object("}" <> rest, map), do: {map, rest}

  defp object("\"" <> rest, map) do
    {key, rest} = string(rest, [])
    ":" <> rest = skip(rest)
    {value, rest} = value(skip(rest))
    map = Map.put(map, key, value)

    case skip(rest) do
      "," <> rest -> object(skip(rest), map)
      "}" <> rest -> {map, rest}
    end
  end

  defp list("]" <> rest, values), do: {Enum.reverse(values), rest}

  defp list(text, values) do
    {value, rest} = value(text)

    case skip(rest) do
      "," <> rest -> list(skip(rest), [value | values])
      "]" <> rest -> {Enum.reverse([value | values]), rest}
    end
  end

  defp string("\"" <> rest, parts), do: {parts |> Enum.reverse() |> IO.iodata_to_binary(), rest}

  defp string("\\u" <> <<hex::binary-size(4), rest::binary>>, parts),
    do: string(rest, [<<String.to_integer(hex, 16)::utf8>> | parts])

  defp string("\\n" <> rest, parts), do: string(rest, ["\n" | parts])
  defp string("\\t" <> rest, parts), do: string(rest, ["\t" | parts])
  defp string(<<?\\, char, rest::binary>>, parts), do: string(rest, [<<char>> | parts])
  defp string(<<char::utf8, rest::binary>>, parts), do: string(rest, [<<char::utf8>> | parts])

  defp skip(<<space, rest::binary>>) when space in ~c" \t\r\n", do: skip(rest)
  defp skip(text), do: text
end
