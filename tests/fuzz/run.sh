#!/bin/sh
# run.sh FOLDER TARGET SECONDS [OPTION...]: a fuzz target of a build. New inputs go to the folder's corpus, and are
# where the next run begins; one that fails stays beside it, and its path is printed.
set -eu
folder=$1 target=$2 seconds=$3
shift 3
exec "$folder/fuzz_$target" -max_total_time="$seconds" -max_len=8192 -timeout=20 -rss_limit_mb=2048 -verbosity=0 \
  -artifact_prefix="$folder/failed-$target-" "$@" "$folder/corpus/$target" "$(dirname "$0")/seeds/$target"
