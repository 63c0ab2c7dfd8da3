# Compiles Hex from its source for a release that has no package of it: leaves `hex`, a folder as an archive
# holds it. Needs ROOTS and, in the working folder, the Erlang and Elixir that the other recipes made.
set -eu
mkdir -p upper work root
mount -t overlay overlay -o "lowerdir=$ROOTS/above:$ROOTS/run,upperdir=$PWD/upper,workdir=$PWD/work" root
mkdir -p root/proc root/dev root/opt/otp root/opt/elixir root/src
mount -t proc proc root/proc
mount --bind /dev root/dev
tar -xzf OTP-*.tar.gz -C root/opt/otp --strip-components=1
unzip -q elixir.zip -d root/opt/elixir
chroot root /opt/otp/Install -minimal /opt/otp
tar -xf "$ROOTS"/sources/erlang-hex_*.orig.tar.* -C root/src --strip-components=1
chroot root sh -c 'cd /src && PATH=/opt/elixir/bin:/opt/otp/bin:$PATH MIX_ENV=prod LC_ALL=C.UTF-8 mix compile'
mkdir hex
cp -r root/src/_build/prod/lib/hex/ebin hex/
printf '~> 1.5' >hex/.elixir
umount root/dev root/proc root
rm -rf upper work root
