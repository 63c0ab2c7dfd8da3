defmodule Esbuild do
  @moduledoc """
  `config :esbuild, version: "0.25.0", PROFILE: [args: […], cd: …, env: %{…}]`; `path: …` names a binary of one's own.
  """

  @doc "The wanted version of the binary."
  def version, do: Application.fetch_env!(:esbuild, :version)

  @doc "Where the binary is looked for: beside the folders of the environments, `_build/esbuild-linux-x64`."
  def bin_path do
    Application.get_env(:esbuild, :path) ||
      Path.join(Path.dirname(Mix.Project.build_path()), "esbuild-#{target()}")
  end

  @doc "The version of the binary that is there."
  def bin_version do
    with true <- File.exists?(bin_path()),
         {out, 0} <- System.cmd(bin_path(), ["--version"]) do
      {:ok, String.trim(out)}
    else
      _ -> :error
    end
  rescue
    # What lies there cannot be executed.
    ErlangError -> :error
  end

  @doc "What keeps the binary from being used, as a sentence; none if nothing does."
  def lack do
    wanted = version()

    case bin_version() do
      {:ok, ^wanted} -> nil
      {:ok, other} -> "#{bin_path()} is esbuild #{other}, and #{wanted} would have to be downloaded"
      :error -> "there is no working #{bin_path()}, and esbuild #{wanted} would have to be downloaded"
    end
  end

  @doc "Runs a profile with more arguments; gives the exit code."
  def run(profile, more) do
    config =
      Application.get_env(:esbuild, profile) ||
        Mix.raise("unknown esbuild profile: no `config :esbuild, #{profile}: …`")

    env = for {name, value} <- config[:env] || %{}, do: {to_string(name), value |> List.wrap() |> Enum.join(":")}
    options = [cd: config[:cd] || File.cwd!(), env: env, into: IO.stream(:stdio, :line), stderr_to_stdout: true]
    {_, code} = System.cmd(bin_path(), (config[:args] || []) ++ more, options)
    code
  end

  defp target do
    architecture = to_string(:erlang.system_info(:system_architecture))
    if String.starts_with?(architecture, "aarch64"), do: "linux-arm64", else: "linux-x64"
  end
end
