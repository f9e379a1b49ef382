#!/bin/sh
# Times the peers at their best: sets what they need before they start, then runs run.py, whose arguments are
# ours. README.md says why each line is here.
#   PYTHON        the interpreter of the environment that holds requirements.txt (python3)
#   CORE          the core for --threads 1 (the last)
#   PEERS_PREFIX  a command before each library's process (none)
#   PEERS_PLAIN   1: MKL chooses its kernels by the maker of the processor
set -eu
here=$(cd "$(dirname "$0")" && pwd)

threads=1 previous=""
for argument in "$@"; do
  [ "$previous" != --threads ] || threads=$argument
  case $argument in --threads=*) threads=${argument#--threads=} ;; esac
  previous=$argument
done

unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE
export OMP_NUM_THREADS="$threads" MKL_NUM_THREADS="$threads" OPENBLAS_NUM_THREADS="$threads"
export MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=8589934592 MALLOC_TOP_PAD_=67108864
export JAX_PLATFORMS=cpu
pin=""
if [ "$threads" -eq 1 ]; then
  export XLA_FLAGS="${XLA_FLAGS-} --xla_cpu_multi_thread_eigen=false"
  if command -v taskset >/dev/null; then
    pin="taskset -c ${CORE:-$(($(nproc) - 1))}"
  fi
fi

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export TORCHINDUCTOR_CACHE_DIR="$folder/inductor"
if [ "${PEERS_PLAIN:-0}" != 1 ] && grep -q AuthenticAMD /proc/cpuinfo 2>/dev/null; then
  if "${CC:-cc}" -O1 -shared -fPIC -o "$folder/mkl_kernels.so" "$here/mkl_kernels.c" 2>/dev/null; then
    export LD_PRELOAD="$folder/mkl_kernels.so${LD_PRELOAD:+:$LD_PRELOAD}"
  else
    echo "run.sh: no C compiler: PyTorch's products will run at half their speed on this processor" >&2
  fi
fi

# shellcheck disable=SC2086 # pin is a command
$pin "${PYTHON:-python3}" "$here/run.py" "$@"
