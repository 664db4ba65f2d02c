#!/usr/bin/env bash
# Runs the tests with kernels that AddressSanitizer and UndefinedBehaviorSanitizer watch: an access outside an array, a
# read of freed memory, an overflow of an integer or a bad shift ends the tests with a report. Without arguments, the
# whole suite runs but for the parts that start other programs or draw. Needs GCC, and the packages of the tests.
#
#     tools/sanitize.sh [PYTEST ARGUMENTS]
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

git clone --quiet "$root" "$work/fastnet"
cd "$work/fastnet"
flags="-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer"
CFLAGS=$flags LDFLAGS=$flags FASTNET_DEBUG=1 FASTNET_BUILD=require python setup.py --quiet build_ext --inplace >/dev/null

[ $# -gt 0 ] || set -- tests --ignore=tests/{bench,cli,plotting,textbook} --ignore=tests/test_{build,examples,streams}.py
# Python itself is not watched, so the libraries must be there before it starts. Python keeps memory until it ends, which
# LeakSanitizer would report: tools/leaks.py looks for leaks.
LD_PRELOAD="$(gcc -print-file-name=libasan.so) $(gcc -print-file-name=libubsan.so)" ASAN_OPTIONS=detect_leaks=0 \
    PYTHONPATH=$PWD FASTNET_BUILD=require python -m pytest -q -p no:cacheprovider "$@"
