#!/bin/sh
# Runs tests on a driver whose kernels are compiled with a sanitizer:
#
#     crates/cuda-sim/sanitize.sh address|thread [arguments of cargo test]
#
# "address" (with the one for undefined behaviour) finds accesses outside of
# device and shared memory, "thread" finds barriers that are missing in a block.
# Without arguments the tests of the crate run, which show that planted mistakes
# are found.
set -eu
cd "$(dirname "$0")/../.."

sanitizer=$1
shift
[ $# -gt 0 ] || set -- -p cuda-sim --tests
case $sanitizer in
address) runtime=libasan.so launcher=env ;;
# It wants addresses that are not random.
thread) runtime=libtsan.so launcher="setarch -R env" ;;
*) echo "the sanitizer is address or thread, not $sanitizer" >&2 && exit 2 ;;
esac

# The programs themselves are not compiled with a sanitizer, so its runtime must
# be loaded before them, and their leaks and races are of no interest.
library() { "${CXX:-c++}" -print-file-name="$1"; }
preload="LD_PRELOAD=$(library $runtime):$(library libstdc++.so.6)"
export ASAN_OPTIONS=detect_leaks=0
export UBSAN_OPTIONS=print_stacktrace=1
export TSAN_OPTIONS=ignore_noninstrumented_modules=1
export CUDA_SIM_SANITIZE="$sanitizer"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/sanitize-$sanitizer"
export CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER="$launcher $preload"
exec cargo test "$@"
