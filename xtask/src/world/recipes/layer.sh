# Writes the root folder $1 as a layer's tar to standard output: sorted, with no time later than one fixed
# moment, no device nodes, and what an overlay marks as deleted spelled as layers spell it.
set -eu
deleted=$(mktemp -d)
trap 'rm -rf "$deleted"' EXIT
cd "$1"
find . -path ./dev -prune -o -type c -print | while read -r device; do
    mkdir -p "$deleted/$(dirname "$device")"
    touch -d @1735689600 "$deleted/$(dirname "$device")/.wh.$(basename "$device")"
done
find . -path ./dev -prune -o -type c -printf '%P\n' >"$deleted.list"
marks=$(cd "$deleted" && find . -type f -printf '%P\n' | sort)
# Names without a leading "./", as other makers of images write them.
ls -A | sort | tar --create --file=- --format=gnu --sort=name --numeric-owner --mtime=@1735689600 --clamp-mtime \
    --anchored --exclude='dev/*' --exclude='proc/*' --exclude='sys/*' --exclude-from="$deleted.list" \
    --files-from=- ${marks:+-C "$deleted" $marks}
rm "$deleted.list"
