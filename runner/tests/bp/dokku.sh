#!/usr/bin/env bash
# Deploys an app on an image in herokuish's form, call by call as Dokku's herokuish builder does.
#
#   dokku.sh deploy NAME SOURCE ENV_DIR BASE   source to a committed and released image dokku/NAME
#   dokku.sh run NAME COMMAND…                 a one-off command, as `dokku run`
#   dokku.sh web NAME PORT                     the process type web, detached, as container NAME.web.1
#   dokku.sh logs NAME                         what that has said
#   dokku.sh destroy-web NAME                  ends that
#   dokku.sh destroy NAME                      all of it, the cache too
#
# PODMAN is the container engine with its options, BUILD_OPTIONS what a container of a build is given besides.
set -euo pipefail

IFS=' ' read -r -a engine <<<"$PODMAN"
IFS=' ' read -r -a build_options <<<"${BUILD_OPTIONS:-}"
# Without these the engine asks for more than a small machine gives.
limits=(--network=host --ulimit nofile=1024:4096 --ulimit nproc=1024:1024)
user=herokuishuser

podman() {
    # The function itself bears the name.
    command "${engine[@]}" "$@"
}

# An image of the Dockerfile that standard input has, over IMAGE, with the files of FOLDER.
make() {
    local image="$1" folder="$2"
    podman build --quiet --isolation chroot --network host --tag "$image" --file - "$folder" >/dev/null
}

deploy() {
    local name="$1" source="$2" env_dir="$3" base="$4"
    local image="dokku/$name" work
    work="$(mktemp -d)"
    # Copies of the source.
    mkdir "$work/app" "$work/env" "$work/profile"
    cp -a "$source/." "$work/app/"
    make "$image" "$work/app" <<DOCKERFILE
FROM $base
RUN TRACE= USER=$user /exec true
COPY --chown=$user . /app
WORKDIR /app
ENV HEROKUISH_DISABLE_CHOWN true
DOCKERFILE
    # The config: files for the packs, and .env.
    cp -a "$env_dir/." "$work/env/"
    for file in "$env_dir"/*; do
        printf '%s="%s"\n' "${file##*/}" "$(cat "$file")" >>"$work/.env"
    done
    make "$image" "$work" <<DOCKERFILE
FROM $image
COPY env /tmp/env
COPY .env /app/.env
DOCKERFILE
    # The build itself.
    podman volume exists "cache-$name" || podman volume create "cache-$name" >/dev/null
    local container
    container="$(podman container create "${limits[@]}" --env "USER=$user" --volume "cache-$name:/cache" \
        --env CACHE_PATH=/cache "${build_options[@]}" "$image" /build)"
    local code=0
    podman container start --attach "$container" || code=$?
    if [ "$code" != 0 ]; then
        podman container rm --force "$container" >/dev/null
        rm -rf "$work"
        echo "App build failed" >&2
        return "$code"
    fi
    podman container commit --quiet --change "LABEL com.dokku.app-name=$name" \
        --change "LABEL com.dokku.image-stage=build" "$container" "$image" >/dev/null
    podman container rm --force "$container" >/dev/null
    # The release: config for the running app, and nothing of root's left to do.
    echo 'export GLOBAL=global CURL_TIMEOUT=600' >"$work/profile/00-global-env.sh"
    for file in "$env_dir"/*; do
        printf 'export %s=%q\n' "${file##*/}" "$(cat "$file")" >>"$work/profile/01-app-env.sh"
    done
    make "$image" "$work/profile" <<DOCKERFILE
FROM $image
COPY 00-global-env.sh 01-app-env.sh /app/.profile.d/
RUN find /app -not -user $user -print0 | xargs -0 --no-run-if-empty chown --no-dereference $user:$user
USER $user
ENV HEROKUISH_SETUIDGUID false
LABEL com.dokku.image-stage=release
DOCKERFILE
    rm -rf "$work"
}

run() {
    local name="$1"
    shift
    podman container run --rm "${limits[@]}" --env DYNO=run.1 --env "USER=$user" "dokku/$name" /exec "$@"
}

web() {
    local name="$1" port="$2"
    podman container run --detach --name "$name.web.1" "${limits[@]}" --env "PORT=$port" --env DYNO=web.1 \
        --env "USER=$user" "dokku/$name" /start web
}

logs() {
    podman container logs "$1.web.1"
}

destroy-web() {
    podman container rm --force --ignore --time 5 "$1.web.1" >/dev/null
}

destroy() {
    destroy-web "$1"
    podman image rm --force "dokku/$1" >/dev/null 2>&1 || true
    podman volume rm --force "cache-$1" >/dev/null 2>&1 || true
}

"$@"
