# What a script was given: `tell SCRIPT ENV_DIR ARGUMENTS…`. Values of config vars are never told.
tell() {
    local script=$1 env=$2 name
    shift 2
    local number=0
    echo "$script: arguments: $#"
    for argument in "$@"; do
        number=$((number + 1))
        echo "$script: argument $number: $argument"
    done
    echo "$script: cwd: $(pwd)"
    echo "$script: user: $(id -u):$(id -g)"
    echo "$script: umask: $(umask)"
    for name in HOME STACK REQUEST_ID SOURCE_VERSION; do
        if [ -n "${!name+set}" ]; then
            echo "$script: $name: ${!name}"
        else
            echo "$script: $name is not set"
        fi
    done
    echo "$script: PATH: $PATH"
    echo "$script: environment: $(compgen -e | sort | tr '\n' ' ')"
    if [ -d "$env" ]; then
        for file in "$env"/*; do
            [ -f "$file" ] || continue
            echo "$script: config var ${file##*/}: $(wc -c <"$file") bytes, mode $(stat -c %a "$file")"
        done
    else
        echo "$script: no folder of config vars"
    fi
}
