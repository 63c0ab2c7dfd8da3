# Lays Debian's Erlang out as the published archives are: OTP-<version>.tar.gz in the working folder, from
# the .deb files in $DEBS, with the installer in $INSTALLER.
set -eu
export LC_ALL=C
mkdir unpacked
for deb in "$DEBS"/erlang-*.deb; do
    case "$deb" in */erlang-hex_*) ;; *) dpkg -x "$deb" unpacked ;; esac
done
root=unpacked/usr/lib/erlang
version=$(cat "$root"/releases/*/OTP_VERSION)
rm -rf "$root"/lib/diameter-* "$root"/lib/debugger-* "$root"/lib/et-* "$root"/lib/jinterface-* "$root"/lib/megaco-* \
    "$root"/lib/observer-* "$root"/lib/odbc-* "$root"/lib/wx-* "$root"/lib/*/examples "$root"/lib/*/doc
# Links into other packages lead nowhere.
find "$root" -xtype l -delete
cp "$INSTALLER" "$root/Install"
chmod 755 "$root/Install"
# Like the published ones it is not usable before Install has said where it stands.
for script in "$root"/erts-*/bin/erl "$root"/erts-*/bin/start "$root"/erts-*/bin/start_erl "$root"/releases/RELEASES; do
    sed 's;/usr/lib/erlang;%FINAL_ROOTDIR%;g' "$script" >"$script.src"
    chmod --reference="$script" "$script.src"
    rm -f "$script" "$root/bin/$(basename "$script")"
done
mv "$root" "OTP-$version"
tar --create --file=- --sort=name --mtime=@1735689600 --owner=0 --group=0 --numeric-owner "OTP-$version" |
    gzip -n -6 >"OTP-$version.tar.gz"
rm -rf unpacked "OTP-$version"
echo "$version" >otp.version
