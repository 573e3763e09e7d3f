#!/bin/bash
# Measures dmoctl beside what users would pick instead, in one run, and prints the
# table of docs/benchmarks.md. Usage: bench/run.sh [DMOCTL]; without DMOCTL the
# others are measured alone. Data, servers' directories and results live in BENCH_DIR.
#
#   BENCH_DIR    where everything goes   (dmoctl-bench in the directory for temporary files; 12 GB at scale 1)
#   BENCH_SCALE  share of the data       (1; 0.01 tries the harness in about a minute)
#   BENCH_REPS   runs of each, median    (3)
#   BENCH_ONLY   suites, comma-separated (orders,docs,wide,tiny,sqlite,oracle_hana); "many" only where it is named
#   BENCH_TABLES numbers of tables of "many", the fewest first (10000,100000: an hour, 12 GB)
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
binary=${1:+$(realpath "$1")}

missing=()
[ -x "$(ls -d /usr/lib/postgresql/*/bin/postgres 2>/dev/null | tail -n 1)" ] || missing+=(postgresql-15)
for program in pgcopydb sqlite3 zstd; do
  command -v "$program" >/dev/null || missing+=("$program")
done
if [ "${#missing[@]}" -gt 0 ]; then
  if [ "$(id -u)" != 0 ]; then
    echo "bench: install these first: apt-get install ${missing[*]}" >&2
    exit 1
  fi
  apt-get update -q >&2
  DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends "${missing[@]}" >&2
fi

cd "$here"
program=$(mktemp -d)
trap 'rm -rf "$program"' EXIT
go build -o "$program/bench" ./bench
"$program/bench" -dmoctl "$binary"
