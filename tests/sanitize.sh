#!/bin/sh
# Runs the tests of what is unsafe, and of what runs on it, under a sanitizer:
#
#     tests/sanitize.sh address|thread [arguments of cargo test]
#
# Without arguments these are:
#
# - engine: its own tests, and the conformance of the kernels for CPUs
# - netfile: all tests, among them those of mapped files
# - autograd and sampler: their own tests
#
# "address" finds accesses outside of what was allocated and after it was freed,
# "thread" finds races. Both need a nightly compiler. Where that has the standard
# library's sources (rustup component add rust-src) the library is looked at, too;
# "thread" needs them, since it would not see otherwise what the library's locks
# order. CUDA kernels have a script of their own, crates/cuda-sim/sanitize.sh.
set -eu
cd "$(dirname "$0")/.."

sanitizer=$1
shift
flags="-Zsanitizer=$sanitizer"
launcher=env
case $sanitizer in
address) ;;
thread)
    # It wants addresses that are not random.
    launcher="setarch -R env"
    flags="$flags -Cunsafe-allow-abi-mismatch=sanitizer"
    ;;
*) echo "the sanitizer is address or thread, not $sanitizer" >&2 && exit 2 ;;
esac

target=x86_64-unknown-linux-gnu
library=
if [ -d "$(rustc +nightly --print sysroot)/lib/rustlib/src/rust/library" ]; then
    library=-Zbuild-std
elif [ "$sanitizer" = thread ]; then
    echo "looking for races needs rust-src: rustup component add --toolchain nightly rust-src" >&2
    exit 2
fi
export RUSTFLAGS="$flags"
# A test leaks on purpose what it says has to live for ever.
export ASAN_OPTIONS=detect_leaks=0
export TSAN_OPTIONS=halt_on_error=1
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/sanitize-rust-$sanitizer"
export CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER="$launcher"

run() { # [ARGUMENTS OF cargo test]
    # A word less where there are no sources.
    # shellcheck disable=SC2086
    cargo +nightly test $library --target $target "$@"
}

if [ $# -gt 0 ]; then
    run "$@"
    exit
fi
run -p engine -p netfile -p autograd -p sampler --lib
run -p netfile --test netfile
run -p engine --test conformance -- --skip cuda_
