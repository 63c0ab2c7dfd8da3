# Zips the Elixir among the .deb files in $DEBS as the published archives are: bin, lib, VERSION. Writes
# elixir.zip and elixir.version to the working folder.
set -eu
export LC_ALL=C TZ=UTC
mkdir unpacked
dpkg -x "$DEBS"/elixir_*.deb unpacked
version=$(sed -n 's/.*{vsn,"\([^"]*\)"}.*/\1/p' unpacked/usr/lib/elixir/lib/elixir/ebin/elixir.app)
mkdir zipped
mv unpacked/usr/lib/elixir/bin unpacked/usr/lib/elixir/lib zipped/
echo "$version" >zipped/VERSION
find zipped -exec touch -d @1735689600 {} +
(cd zipped && find bin lib VERSION -print | sort | zip -X -q ../elixir.zip -@)
echo "$version" >elixir.version
rm -rf unpacked zipped
