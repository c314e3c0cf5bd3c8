#!/usr/bin/env bash
# Samples an atlas as docs/slurm.md says: as an array of a real Slurm, with a
# task that is killed, a node that is drained, a task that runs into its time
# limit and one that is cancelled, and under GNU parallel. Every file but the
# logs must have the bytes of an atlas that one process made.
#
# SAMPLER names the program, by default the one that the tests build.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
repository=$PWD
if [ -z "${SAMPLER:-}" ]; then
    # The program as the tests build it: `cargo run` would build some
    # dependencies again, with other features.
    cargo test --workspace --no-run --quiet
    SAMPLER=${CARGO_TARGET_DIR:-target}/debug/sampler-cli
fi
SAMPLER=$(realpath "$SAMPLER")
export SAMPLER

if [ -z "${OWN_CLUSTER:-}" ]; then
    OWN_CLUSTER=yes exec tests/slurm/cluster.sh tests/slurm/run.sh
fi

last=19
arguments=(--neurons "fc7:0..$last" -n 100)
root=$(mktemp --directory)
trap 'rm --recursive --force "$root"' EXIT
trap 'echo "error: line $LINENO: $BASH_COMMAND" >&2' ERR
# Whoever takes a name for a command line makes a file `owned`.
folder="$root/it's \"\$(touch owned)\" \`touch owned\`"
mkdir "$folder"
cd "$folder"
plan=$folder/plan.json
phase=$SECONDS

done_with() { # WHAT: its seconds
    echo "$1: $((SECONDS - phase)) s"
    phase=$SECONDS
}

fail() { # WHAT
    echo "error: $1" >&2
    squeue --states=all --format='%i %T %r %N' >&2 || true
    tail --quiet --lines=3 "$folder"/slurm-*.out >&2 || true
    exit 1
}

within() { # SECONDS COMMAND...: fails where it does not come true in time
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$end" ] || fail "this did not come true: $*"
        sleep 0.1
    done
}

same() { # DIRECTORY: as one process made it
    diff --recursive --exclude log.jsonl alone "$1"
    local files
    files=$(find "$1" -type f ! -name log.jsonl | wc -l)
    echo "$1: equal bytes in $files files"
}

"$SAMPLER" atlas "${arguments[@]}" --out alone >/dev/null
done_with "one process"

pid() { pgrep --full -- "$(basename "$root").* --shard $1 "; } # SHARD: of its program
field() { # SHARD FIELD: what Slurm says of a task of the array
    scontrol show job "${array}_$1" | grep --only-matching --perl-regexp "\b$2=\K\S+"
}
is() { [ "$(field "$1" "$2")" = "$3" ]; } # SHARD FIELD VALUE
all_in_the_middle() { # of the first four shards
    local shard
    for shard in 0 1 2 3; do
        pid "$shard" >/dev/null && compgen -G "slurm/*-fc7-$shard-*/batches/*" >/dev/null || return 1
    done
}

"$SAMPLER" atlas "${arguments[@]}" --out slurm --plan "$plan" >/dev/null
script=$repository/docs/slurm/atlas.sbatch
array=$(sbatch --parsable --array="0-$last" --cpus-per-task=1 "$script" "$plan")
done_with "a plan and its array"

within 60 all_in_the_middle
kill -KILL "$(pid 0)"
kill -USR1 "$(ps --format ppid= --pid "$(pid 1)")" # as Slurm does before the time limit
scancel "${array}_2"
node=$(field 3 NodeList)
scontrol update nodename="$node" state=drain reason=test
mapfile -t moved < <(squeue --noheader --nodelist="$node" --states=RUNNING --format=%K)
for shard in "${moved[@]}"; do
    scontrol requeue "${array}_$shard"
done
drained() { [ "$(sinfo --noheader --nodes="$node" --format=%T)" = drained ]; }
within 20 drained
scontrol update nodename="$node" state=resume
done_with "killed, interrupted and cancelled tasks and a drained node"

all_but_cancelled() {
    local states
    states=$(scontrol show job | grep --only-matching --perl-regexp '\bJobState=\K\S+')
    ! grep --quiet --line-regexp 'FAILED\|TIMEOUT\|NODE_FAIL' <<<"$states" || fail "a task failed"
    [ "$(grep --count --line-regexp COMPLETED <<<"$states")" -eq "$last" ]
}
within 300 all_but_cancelled
for shard in 0 1 "${moved[@]}"; do
    is "$shard" Restarts 1 || fail "shard $shard was not queued again"
done
is 2 JobState CANCELLED || fail "shard 2 was cancelled and is $(field 2 JobState)"
grep --quiet "status 137" "slurm-${array}_0.out" || fail "shard 0 was not killed"
grep --quiet "status 130" "slurm-${array}_1.out" || fail "shard 1 was not interrupted"
done_with "the array"

! "$SAMPLER" atlas --merge "$plan" >/dev/null 2>merge.err || fail "a shard is missing, and merged"
sbatch --wait --array=2 "$script" "$plan" >/dev/null
"$SAMPLER" atlas --merge "$plan" >/dev/null
same slurm
done_with "the cancelled task once more, and merged"

"$SAMPLER" atlas "${arguments[@]}" --out parallel --plan "$PWD/parallel.json" >/dev/null
seq 0 "$last" |
    parallel -q --jobs 2 "$SAMPLER" atlas --run "$PWD/parallel.json" --shard {} --threads 1 --quiet >/dev/null
"$SAMPLER" atlas --merge "$PWD/parallel.json" >/dev/null
same parallel
done_with "GNU parallel"

owned=$(find "$root" -name owned)
[ -z "$owned" ] || fail "a name was run as a command: $owned"
