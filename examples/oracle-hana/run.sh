#!/usr/bin/env bash
# Moves an SAP-like schema from Oracle to SAP HANA twice, by pipe and by export files, and lets Oracle's
# and SAP's own JavaScript clients compare every row.
#
#   examples/oracle-hana/run.sh [DMOCTL [ROWS]]
#
# Needs Go, node and npm. The servers are simulators, one process of this script's own; README.md says how
# to run it against real ones. It works in a directory for temporary files and leaves nothing behind.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
. "$here/../clients/lib.sh"
trap finish EXIT
build ${1:+"$1"}
clients
cp -r "$here/pipe" "$here/file" "$work"
cd "$work"

modes="pipe file"
[ -z "${ORACLE_HOST:-}${HANA_HOST:-}" ] || modes=pipe # the second would find the target of your own server full

for mode in $modes; do
  rm -f env
  simulators "${2:-20000}"
  run --chdir "$mode" validate
  run --chdir "$mode" plan --out plan.json
  run --chdir "$mode" apply plan.json
  run --chdir "$mode" plan --detailed-exitcode
  run --chdir "$mode" verify --content
  say "compare, $mode"
  # The spec's work areas come as structures without rows; they have none on the source either.
  tables oracle SAPSR3 abap > source.txt
  tables hana SAPHANADB > target.txt
  same source.txt target.txt
  stop
done
echo
echo "Oracle to SAP HANA by $modes: no difference."
