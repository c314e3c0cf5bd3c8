#!/usr/bin/env bash
# Makes reports of every kind with the demo pair and opens them in Chromium.
# Needs Chromium, npm and Node 18 or newer. With an argument, puts screenshots into that folder.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")"
screenshots=${1:+$(realpath "$1")}
here=$PWD
cmp -s package-lock.json node_modules/.of-lock 2>/dev/null || {
    npm ci --silent
    cp package-lock.json node_modules/.of-lock
}
cd ../..
# The program as the tests build it: `cargo run` would build some dependencies
# again, with other features.
cargo test --workspace --no-run --quiet
SAMPLER=$(realpath "${CARGO_TARGET_DIR:-target}")/debug/sampler-cli SCREENSHOTS=$screenshots WEIGHTS=$PWD/weights \
    node --test --test-reporter=spec "$here/reports.test.mjs"
