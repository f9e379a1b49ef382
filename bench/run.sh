#!/bin/sh
# Runs the benchmarks of a build folder and makes one table of them; `./dev bench` builds and calls it.
#
#     bench/run.sh FOLDER [--quick] [--threads N] [--peers] [--json FILE] [PROGRAM...]
#
# One thread is pinned to the last core (interrupts like the first). Results of single programs stay in
# FOLDER/results. With --peers the Python libraries of bench/peers run too, in an environment of their own.
set -eu
here=$(dirname "$0")
folder=$1
shift

quick="" threads=1 peers="" json="" programs=""
while [ $# -gt 0 ]; do
  case $1 in
  --quick) quick=--quick ;;
  --threads) threads=$2 && shift ;;
  --peers) peers=yes ;;
  --json) json=$2 && shift ;;
  -*)
    echo "bench: unknown option $1" >&2
    exit 2
    ;;
  *) programs="$programs $1" ;;
  esac
  shift
done
pin=""
if [ "$threads" -eq 1 ] && command -v taskset >/dev/null; then
  pin="taskset -c $(($(nproc) - 1))"
fi
# OpenBLAS chooses kernels for this processor, whatever the environment would have it take.
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE

results=$folder/results
mkdir -p "$results"
rm -f "$results"/*.json
repetitions=5
[ -z "$quick" ] || repetitions=1

for path in "$folder"/bench_*; do
  program=${path#"$folder"/bench_}
  case $program in agreement | compile_time | table) continue ;; esac
  case " $programs " in "  " | *" ${program%%.*} "*) ;; *) continue ;; esac
  echo "== $program" >&2
  $pin "$path" $quick --threads "$threads" --benchmark_min_time=0.2 \
    --benchmark_repetitions=$repetitions --benchmark_report_aggregates_only=true \
    --benchmark_out="$results/$program.json" --benchmark_out_format=json >"$results/$program.log"
done

# run_peers: in an environment that is made once; fails where there is no Python or no network.
run_peers() {
  environment=$folder/peers
  if [ ! -e "$environment/ready" ]; then
    python3 -m venv "$environment" || return
    # torch first: what the others ask for would bring another build of it.
    "$environment/bin/pip" install -q "$(grep '^torch==' "$here/peers/requirements.txt")" || return
    "$environment/bin/pip" install -q -r "$here/peers/requirements.txt" || return
    touch "$environment/ready"
  fi
  "$environment/bin/python" "$here/peers/export_weights.py" "$results/weights" >&2 &&
    "$folder/bench_agreement" "$results/weights" >&2 || return
  PYTHON=$environment/bin/python "$here/peers/run.sh" --out "$results/peers.json" \
    --threads "$threads" $quick
}
if [ -n "$peers" ] && ! run_peers; then
  echo "bench: the peers did not run (they need python3, its venv module and a network)" >&2
fi
"$folder/bench_table" ${json:+--json "$json"} "$results"/*.json
