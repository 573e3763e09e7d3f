# What the examples of Oracle and SAP HANA share; sourced by their run.sh, which sets here and work.
#
# simulators [ROWS] starts a simulated Oracle with a sample and an empty HANA, unless ORACLE_HOST or
# HANA_HOST names servers of yours; tables ENGINE SCHEMA ... lists a schema by the vendor's own client.

say() { printf '\n$ %s\n' "$*"; }
run() { say "dmoctl $*"; "$dmoctl" "$@"; }

build() { # build [DMOCTL]
  if [ $# -gt 0 ]; then
    dmoctl=$(realpath "$1")
  else
    dmoctl=$work/dmoctl
    (cd "$here" && CGO_ENABLED=0 go build -o "$dmoctl" ../../cmd/dmoctl)
  fi
}

simulators() {
  if [ -n "${ORACLE_HOST:-}" ] || [ -n "${HANA_HOST:-}" ]; then return; fi
  (cd "$here" && go build -o "$work/simulators" ../simulators)
  "$work/simulators" -env "$work/env" -rows "${1:-20000}" &
  simulators=$!
  while [ ! -e "$work/env" ]; do
    kill -0 "$simulators" 2>/dev/null || { echo "the simulators did not start" >&2; exit 1; }
    sleep 0.2
  done
  . "$work/env"
  export DMO_VAR_encrypted=false
}

stop() { # stop the simulators, and forget where they were
  [ -n "${simulators:-}" ] || return 0
  kill "$simulators" 2>/dev/null && wait "$simulators" || true
  simulators=
  unset ORACLE_HOST HANA_HOST
}

finish() {
  stop
  rm -rf "$work"
}

clients() { # the npm packages of package-lock.json, in the directory that DMO_CACHE names or in a temporary one
  local from=$here/../clients
  modules=${DMO_CACHE:-$work}/npm-$(sha256sum < "$from/package-lock.json" | cut -c1-16)
  if [ ! -e "$modules/done" ]; then
    mkdir -p "$modules"
    cp "$from/package.json" "$from/package-lock.json" "$modules"
    (cd "$modules" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)
    touch "$modules/done"
  fi
  cp "$from/tables.mjs" "$modules"
}

tables() { node "$modules/tables.mjs" "$@" | LC_ALL=C sort; }

same() { # same SOURCE TARGET: lists of tables
  diff "$1" "$2" > "$work/diff.txt" || { head -20 "$work/diff.txt"; echo "tables differ" >&2; exit 1; }
  echo "$(awk -F'\t' '{ n += $2 } END { print n }' "$2") rows of $(wc -l < "$2") tables are those of the source, as the vendors' own clients read them."
}
