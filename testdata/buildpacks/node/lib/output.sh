heading() { echo "-----> $*"; }
line() { echo "       $*"; }
indented() { sed -u 's/^/       /'; }
fail() {
    echo " !     $*" >&2
    exit 1
}

# Whether a file is there and is the one that the folder's SHASUMS256.txt names.
intact() {
    [ -f "$1/$2" ] && (cd "$1" && grep " $2\$" SHASUMS256.txt | sha256sum --check --status)
}
