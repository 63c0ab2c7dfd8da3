# Makes a stack's run and build root in the working folder, and downloads Debian's Erlang and Elixir for it.
# Needs root, a mount namespace of its own, and: SUITE, RUN_PACKAGES, BUILD_PACKAGES, DEBS, SOURCES,
# SOURCES_SUITE.
set -eu
export SOURCE_DATE_EPOCH=1735689600 DEBIAN_FRONTEND=noninteractive LC_ALL=C
mirror=http://deb.debian.org/debian

# Documentation and translations weigh much and are never read here. forky's Release file has expired.
mmdebstrap --quiet --mode=root --variant=apt --include="$RUN_PACKAGES" \
    --aptopt='APT::Install-Recommends "false"' \
    --aptopt='Acquire::Check-Valid-Until "false"' \
    --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-exclude=/usr/share/info/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*/*' \
    --dpkgopt='path-exclude=/usr/libexec/gcc/*/lto1' \
    --dpkgopt='path-exclude=/usr/lib/gcc/*/lto1' \
    "$SUITE" run "$mirror"

echo 'en_US.UTF-8 UTF-8' >run/etc/locale.gen
chroot run locale-gen >/dev/null
mkdir -p run/app
chroot run useradd --uid 1000 --user-group --home-dir /app --shell /bin/bash heroku
chown 1000:1000 run/app
# What differs from one making to the next, or belongs to this machine.
rm -rf run/etc/resolv.conf run/etc/hostname run/var/log/* run/var/cache/* run/var/lib/apt/lists/* \
    run/etc/*- run/var/lib/dpkg/*-old

# What the build image has beyond the run image is what an overlay above it catches.
mkdir -p above work merged debs sources
mount -t overlay overlay -o lowerdir=run,upperdir=above,workdir=work merged
for dir in var/cache/apt var/lib/apt/lists tmp; do
    mkdir -p "merged/$dir"
    mount -t tmpfs tmpfs "merged/$dir"
done
mount -t proc proc merged/proc
mount --bind /dev merged/dev
mkdir -p merged/var/cache/apt/archives/partial merged/var/lib/apt/lists/partial merged/tmp/debs merged/tmp/sources
mount --bind debs merged/tmp/debs
mount --bind sources merged/tmp/sources
cp /etc/resolv.conf merged/etc/resolv.conf
echo "deb-src $mirror $SOURCES_SUITE main" >merged/etc/apt/sources.list.d/sources.list
# The sandbox user of apt cannot write to the mounted folders.
echo 'APT::Sandbox::User "root";' >merged/etc/apt/apt.conf.d/99sandbox
chroot merged apt-get -qq update
chroot merged apt-get -qq install --no-install-recommends $BUILD_PACKAGES >install.log 2>&1 ||
    { tail -20 install.log; exit 1; }
chroot merged sh -c "cd /tmp/debs && apt-get -qq download $DEBS"
# Some sources have lost their .dsc on the mirrors; their tarballs, which are all that is wanted, are there.
chroot merged sh -c "cd /tmp/sources && for one in $SOURCES; do apt-get -qq source --download-only \$one || true; done" \
    >sources.log 2>&1
umount merged/tmp/debs merged/tmp/sources
rm -rf merged/etc/resolv.conf merged/etc/apt/sources.list.d/sources.list merged/etc/apt/apt.conf.d/99sandbox
umount merged/dev merged/proc merged/var/cache/apt merged/var/lib/apt/lists merged/tmp merged
rm -rf above/var/log above/var/cache above/var/lib/apt above/var/lib/dpkg/*-old above/etc/*- above/tmp
rmdir merged
rm -rf work
