#!/usr/bin/env bash
# What `kubempi run` costs over plain mpirun: both run the same MPI program (hostname) with six ranks, taking turns so that a busy
# machine hurts both alike; the medians are printed.
#
#   benchmarks/run-overhead.sh [TURNS]        (default 10)
set -euo pipefail
root=$(cd -- "$(dirname -- "$(readlink -f -- "$0")")/.." && pwd)
turns=${1:-10}
"$root/kubempi" run "$root/examples/hostname/hostname.yaml" >/dev/null 2>&1 # compiles, and builds the image stand-in

seconds() { # COMMAND...: prints how long it took
  local begin=$EPOCHREALTIME
  "$@" >/dev/null 2>&1 || { echo "$* failed" >&2; exit 1; }
  awk -v a="$begin" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.3f\n", b - a }'
}

median() { sort -n | awk '{ v[NR] = $1 } END { print (NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2) }'; }

plain=() kubempi=()
for ((i = 0; i < turns; i++)); do
  plain+=("$(seconds mpirun --allow-run-as-root --oversubscribe -n 6 hostname)")
  kubempi+=("$(seconds "$root/kubempi" run "$root/examples/hostname/hostname.yaml")")
done
a=$(printf '%s\n' "${plain[@]}" | median) b=$(printf '%s\n' "${kubempi[@]}" | median)
echo "median of $turns: mpirun $a s, kubempi run $b s, overhead $(awk -v a="$a" -v b="$b" 'BEGIN { printf "%.2f", b - a }') s"
