# Makes Hex's archive and rebar3 from the .deb files in $DEBS, or from a folder `hex` if there is one: hex.ez,
# rebar3 and their versions.
set -eu
export LC_ALL=C TZ=UTC
mkdir unpacked
if [ -d hex ]; then mv hex unpacked/; else dpkg -x "$DEBS"/erlang-hex_*.deb unpacked; fi
dpkg -x "$DEBS"/rebar3_*.deb unpacked
ebin=$(dirname "$(find unpacked -name hex.app)")
version=$(sed -n 's/.*{vsn, *"\([^"]*\)"}.*/\1/p' "$ebin/hex.app")
mkdir -p "zipped/hex-$version"
cp -r "$ebin" "zipped/hex-$version/ebin"
if [ -f "$ebin/../.elixir" ]; then cp "$ebin/../.elixir" "zipped/hex-$version/"; fi
find zipped -exec touch -d @1735689600 {} +
(cd zipped && find . -type f -print | sed 's;^\./;;' | sort | zip -X -q ../hex.ez -@)
echo "$version" >hex.version
cp unpacked/usr/bin/rebar3 rebar3
sed -n '2s/.*[Rr]ebar3 //p' rebar3 | tr -d '\r' >rebar3.version
rm -rf unpacked zipped
