#!/usr/bin/env bash
# Runs the tests of the crates with unsafe code, and of those that use them, as
# a sanitizer compiles them:
#
#     tests/sanitize.sh address|thread
#
# "address" finds accesses outside of what was allocated or after it was freed,
# "thread" data that threads write without an order. Needs the nightly compiler.
# Its standard library comes without a sanitizer: what only that does is not seen,
# and what it synchronises by itself has to be suppressed for "thread". Leaks are
# not looked for: what a program holds to its end is none. The CUDA kernels have a
# script of their own, crates/cuda-sim/sanitize.sh.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
sanitizer=${1:-}
case $sanitizer in
address) launcher=env ;;
# It wants addresses that are not random.
thread) launcher="setarch -R env" ;;
*) echo "the sanitizer is address or thread, not $sanitizer" >&2 && exit 2 ;;
esac

target=x86_64-unknown-linux-gnu
flags="-Zsanitizer=$sanitizer -Cunsafe-allow-abi-mismatch=sanitizer"
export ASAN_OPTIONS=detect_leaks=0
export TSAN_OPTIONS="suppressions=$PWD/tests/tsan.txt"
export CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS=$flags
export CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER=$launcher
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target}/sanitize-rust-$sanitizer
for package in netfile engine autograd sampler; do
    start=$SECONDS
    cargo +nightly test --quiet --target "$target" --package "$package" --lib --tests -- \
        --skip cuda
    echo "$package under the sanitizer for $sanitizer: $((SECONDS - start)) s"
done
