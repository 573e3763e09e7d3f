#!/usr/bin/env bash
# Runs every fuzz target of the module, each for the time given, one after the other.
set -euo pipefail
time=${1:-20s}
cd "$(dirname "$0")/.."

grep -rl --include='*_test.go' '^func Fuzz' . | xargs -rn1 dirname | sort -u | while read -r pkg; do
  grep -rhoE --include='*_test.go' '^func (Fuzz[A-Za-z0-9_]+)' "$pkg" | awk '{ print $2 }' | sort -u | while read -r target; do
    echo "== $pkg $target"
    go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" -fuzzminimizetime 10x "$pkg"
  done
done
