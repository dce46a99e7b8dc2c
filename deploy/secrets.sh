#!/bin/sh
# Make the secrets that docker-compose.yml mounts; what is there already stays. Usage: deploy/secrets.sh [FOLDER]
#
# A mounted secret keeps owner and mode of its file, and our containers run as uid 10001: the files are readable for
# all, the folder only for its owner, so on this machine nobody else gets at them.
set -eu
umask 077
folder=${1:-${WIREWATCH_SECRETS_DIR:-secrets}}
mkdir -p "$folder"
chmod 0700 "$folder"

random() { # 32 random bytes in base64, on one line
    head -c 32 /dev/urandom | base64 | tr -d '\n'
}

make() { # NAME VALUE
    [ -s "$folder/$1" ] && return
    printf '%s' "$2" > "$folder/$1"
    chmod 0444 "$folder/$1"
    echo "made $folder/$1"
}

make postgres_password "$(random | tr -d '/+=')"
make database_url "postgresql://wirewatch:$(cat "$folder/postgres_password")@postgres/wirewatch"
make notifier_key "$(random)"
make grafana_password "$(random | tr -d '/+=')"
