defmodule Hello.PageTest do
  use ExUnit.Case, async: true

  test "data is JSON" do
    {status, type, body} = Hello.Page.answer(:GET, "/data.json")
    assert {status, type} == {"200 OK", "application/json"}
    assert body =~ "greeting"
  end

  @tag :slow
  test "the app is compiled for its tests", do: assert(Mix.env() == :test)
end
