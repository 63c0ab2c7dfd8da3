# Builds the packages and their registry, as repo.hex.pm serves them, in the working folder.
# Needs ROOTS (a stack's roots and sources), TOOLS (its Erlang, Elixir and Hex), OURS (a folder for
# each package of our own, and one with a mix.exs for jiffy, which comes with a build file of rebar2's only).
set -eu
mkdir -p upper work root tarballs
mount -t overlay overlay -o "lowerdir=$ROOTS/above:$ROOTS/run,upperdir=$PWD/upper,workdir=$PWD/work" root
mkdir -p root/proc root/dev root/opt/otp root/opt/elixir root/src root/out root/mix/archives
mount -t proc proc root/proc
mount --bind /dev root/dev
mount --bind . root/out
tar -xzf "$TOOLS"/OTP-*.tar.gz -C root/opt/otp --strip-components=1
unzip -q "$TOOLS/elixir.zip" -d root/opt/elixir
unzip -q "$TOOLS/hex.ez" -d "root/mix/archives/hex-$(cat "$TOOLS/hex.version")"
chroot root /opt/otp/Install -minimal /opt/otp
for source in "$ROOTS"/sources/*.orig.tar.*; do
    tar -xf "$source" -C root/src
done
for folder in "$OURS"/*; do
    case $folder in
    */jiffy) cp "$folder/mix.exs" root/src/jiffy-*/ ;;
    *) cp -R "$folder" root/src/ ;;
    esac
done
cat >root/src/build.sh <<'END'
set -eu
export PATH=/opt/elixir/bin:/opt/otp/bin:$PATH MIX_HOME=/mix HEX_HOME=/mix/hex HEX_OFFLINE=1 MIX_ENV=prod
export LC_ALL=C.UTF-8 LANG=C.UTF-8
for package in /src/*/; do
    cd "$package"
    rm -f mix.lock
    mix hex.build
    mv ./*.tar /out/tarballs/
done
# `mix hex.build` lists files in the order in which the file system happens to give them, which is another on
# another disk; the lock files of apps hold the checksum.
cat >/src/sort.exs <<'ELIXIR'
for path <- Path.wildcard("/out/tarballs/*.tar") do
  {:ok, %{metadata: metadata, contents: files}} = :mix_hex_tarball.unpack(File.read!(path), :memory)
  metadata = Map.update!(metadata, "files", &Enum.sort/1)
  {:ok, %{tarball: sorted}} = :mix_hex_tarball.create(metadata, Enum.sort(files))
  File.write!(path, sorted)
end
ELIXIR
elixir -pa "$(echo /mix/archives/hex-*/hex-*/ebin)" /src/sort.exs
openssl genrsa -out /tmp/registry.pem 2048 2>&1
cd /out
mix hex.registry build . --name=hexpm --private-key=/tmp/registry.pem
END
chroot root sh /src/build.sh
umount root/out root/dev root/proc root
rm -rf upper work root
