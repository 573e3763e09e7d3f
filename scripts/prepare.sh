#!/usr/bin/env bash
# Installs what the tests need besides Go: PostgreSQL 15 and the clients that compare
# results (psql, sqlite3, zstd, node with npm). Does nothing where all is there; says
# what is missing where it may not install.
set -euo pipefail

missing=()
have() { command -v "$1" >/dev/null 2>&1; }

compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || have initdb || missing+=(postgresql)
have psql || missing+=(postgresql-client)
have sqlite3 || missing+=(sqlite3)
have zstd || missing+=(zstd)
{ have node && have npm; } || missing+=(nodejs npm)
have unshare || missing+=(util-linux)
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" != 0 ] || ! have apt-get; then
  echo "The tests need these packages, as Debian names them: ${missing[*]}" >&2
  echo "Install them, or run this as root on Debian." >&2
  exit 1
fi

# The package's own cluster is not used: tests start servers of their own.
if ! have pg_createcluster; then
  mkdir -p /etc/postgresql-common
  [ -e /etc/postgresql-common/createcluster.conf ] ||
    echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.conf
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null
