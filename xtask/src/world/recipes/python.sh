# Lays Debian's Python out as a folder that works wherever it is unpacked, with pip's wheel where Python's own
# releases have it: python-<version>.tar.gz, SHA256SUMS and versions.txt in the working folder.
# Needs ROOTS (a stack's roots) and DEBS.
set -eu
export LC_ALL=C DEBIAN_FRONTEND=noninteractive
mkdir -p upper work root debs unpacked python/bin python/lib
mount -t overlay overlay -o "lowerdir=$ROOTS/above:$ROOTS/run,upperdir=$PWD/upper,workdir=$PWD/work" root
for dir in proc dev debs python var/cache/apt/archives/partial var/lib/apt/lists/partial tmp; do
    mkdir -p "root/$dir"
done
mount -t proc proc root/proc
mount --bind /dev root/dev
mount --bind debs root/debs
mount --bind python root/python
cp /etc/resolv.conf root/etc/resolv.conf
# The sandbox user of apt cannot write to the mounted folder.
echo 'APT::Sandbox::User "root";' >root/etc/apt/apt.conf.d/99sandbox
chroot root apt-get -qq update
chroot root sh -c "cd /debs && apt-get -qq download $DEBS"
for deb in debs/*.deb; do
    dpkg -x "$deb" unpacked
done
version=$(dpkg-deb -f debs/python3.*-minimal_*.deb Version | sed 's/-.*//')

name=$(basename unpacked/usr/bin/python3.*)
library=python/lib/$name
cp "unpacked/usr/bin/$name" python/bin/
ln -s "$name" python/bin/python3
ln -s python3 python/bin/python
cp -R "unpacked/usr/lib/$name" python/lib/
# Libraries that a run image may lack.
cp -P unpacked/usr/lib/x86_64-linux-gnu/lib*.so* python/lib/
mkdir -p "$library/ensurepip/_bundled"
cp unpacked/usr/share/python-wheels/pip-*.whl "$library/ensurepip/_bundled/"
# Debian closes the system's Python to pip; this one is nobody's but the app's.
rm "$library/EXTERNALLY-MANAGED" "$library/sitecustomize.py"
# Compiled files that say nothing of times stay good when an image sets these.
chroot root env LD_LIBRARY_PATH=/python/lib "/python/bin/$name" -m compileall -q -o 0 \
    --invalidation-mode unchecked-hash -s / "/python/lib/$name"
umount root/python root/debs root/dev root/proc root

tar --create --file=- --sort=name --mtime=@1735689600 --owner=0 --group=0 --numeric-owner python |
    gzip -n -4 >"python-$version.tar.gz"
sha256sum "python-$version.tar.gz" >SHA256SUMS
echo "$version" >versions.txt
rm -rf upper work root debs unpacked python
