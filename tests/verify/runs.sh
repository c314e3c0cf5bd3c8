#!/usr/bin/env bash
# Makes seven runs of 50 samples with the demo pair, in code and in pixel space
# and with other encoders, and has verify.py find every sample in its range
# again, and its encoding; one run of the tiny pair, for colours and every op;
# then the first run once more with another number of threads, which must give
# the same bytes in every file but the log.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
weights=weights/fashion
# The program as the tests build it: `cargo run` would build some dependencies
# again, with other features.
cargo test --workspace --no-run --quiet
program=${CARGO_TARGET_DIR:-target}/debug/sampler-cli
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

sample() { # NAME ARGUMENTS...: one run into $folder/NAME
    local name=$1 start=$SECONDS
    shift
    "$program" sample -n 50 --out "$folder/$name" "$@"
    echo "run $name: $((SECONDS - start)) s"
}

verify() { # ARGUMENTS...: runs of the demo pair
    tests/verify/python.sh tests/verify/verify.py "$weights/classifier.safetensors" "$@"
}

boots=(--neuron 'fc8:"Ankle boot"=c25..c75')
sample boots "${boots[@]}" --threads 1
verify "$folder/boots" --judge "$weights/judge.safetensors" --judge-class 9 --judge-share 0.85

sample intersection --neuron 'fc8:"Sneaker"=1..4' --neuron 'fc8:"Bag"=1..4'
sample layers --neuron 'fc7:5=3..7' --neuron 'conv5:3@3,4=-4.2..-1.5' \
    --neuron 'fc8:"Ankle boot"=7..12'
sample maximum --neuron 'conv5:3@max=p75..p95'
sample mean --neuron 'conv5:3@mean=p75..p95'
sample pixels --neuron 'fc8:"Coat"=c25..c75' --space pixels --distance pixels
sample judged --neuron 'fc8:"Coat"=c25..c75' --encoder "$weights/judge.safetensors:pool6"
verify "$folder"/{intersection,layers,maximum,mean,pixels,judged} \
    --encoder "$weights/judge.safetensors"

# Random weights are no easy ground: the bound on evaluations is the demo's.
sample colours --pair tiny --neuron fc8:volcano
tests/verify/python.sh tests/verify/verify.py weights/tiny/classifier.safetensors \
    "$folder/colours" --max-evaluations 200

sample boots-again "${boots[@]}" --threads 2
diff --recursive --exclude log.jsonl "$folder/boots" "$folder/boots-again"
files=$(find "$folder/boots" -type f ! -name log.jsonl | wc -l)
echo "1 and 2 threads: equal bytes in $files files"
