#!/usr/bin/env bash
# The demo: an SAP-like SQLite database of more than a million rows is planned and
# migrated twice, once through a pipe and once through export files; then one byte of
# a target is changed, and dmoctl says which row it is in.
#
#   examples/demo/run.sh DMOCTL [ROWS]
#
# It needs dmoctl and Go, works in a directory for temporary files, and leaves nothing behind.
set -euo pipefail

dmoctl=$(realpath "${1:?usage: run.sh DMOCTL [ROWS]}")
rows=${2:-1000000}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r "$here/pipe" "$here/file" "$work"
# Built outside of what is timed: it changes a byte behind dmoctl's back.
(cd "$here" && go build -o "$work/change-a-byte" .)
cd "$work"
started=$SECONDS

bold='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$'\033[1m' plain=$'\033[0m'; fi
say() { printf '\n%s$ %s%s\n' "$bold" "$*" "$plain"; }
run() { say "dmoctl $*"; "$dmoctl" "$@"; }
# expect CODE ARGS... fails unless dmoctl exits with CODE.
expect() {
  local want=$1 got=0
  shift
  run "$@" || got=$?
  [ "$got" = "$want" ] || { echo "demo: exit code $got, want $want" >&2; exit 1; }
}

run sample --to erp.db --rows "$rows" --small 20 --empty 10

for mode in pipe file; do
  run --chdir "$mode" validate
  run --chdir "$mode" plan --out plan.json
  run --chdir "$mode" apply plan.json
  expect 0 --chdir "$mode" plan --detailed-exitcode
  run --chdir "$mode" verify
done

say "change-a-byte pipe/new.db"
./change-a-byte pipe/new.db
expect 3 --chdir pipe verify
expect 3 --chdir pipe verify --explain VBAK

printf '\nThe demo took %d seconds.\n' $((SECONDS - started))
