#!/usr/bin/env bash
# Measures which lines of fastnet the tests run: those of the Python, also in the processes that the tests start, and
# those of the Cython, which GCC counts. Compares the others with those that tests/uncovered.txt explains, and fails if
# there is a new one. fastnet/_bench, which `pytest benchmarks` runs, is left out. Needs GCC, the packages of the tests,
# Cython, setuptools, all extras, and coverage:
#
#     pip install coverage==7.17.5
#     tools/coverage.sh [PYTEST ARGUMENTS]
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

git clone --quiet "$root" "$work/fastnet"
cd "$work/fastnet"
export FASTNET_BUILD=require PYTHONPATH=$PWD COVERAGE_FILE=$work/data

FASTNET_COVERAGE=1 python setup.py --quiet build_ext --inplace >/dev/null
cat >"$work/rc" <<'RC'
[run]
source_pkgs = fastnet
omit = */fastnet/_bench/*
parallel = True
patch = subprocess
[paths]
copies =
    fastnet
    */fastnet
[report]
exclude_also =
    if TYPE_CHECKING:
    @abstractmethod
    \.\.\.$
RC
status=0
python -m coverage run --rcfile="$work/rc" -m pytest -q -p no:cacheprovider "$@" || status=1
python -m coverage combine --quiet --rcfile="$work/rc"
python -m coverage json --quiet --rcfile="$work/rc" -o "$work/python.json"
python tools/uncovered.py "$work/python.json" || status=1
exit $status
