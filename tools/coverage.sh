#!/usr/bin/env bash
# Measures which lines of fastnet the tests run: those of the Python, also in the processes that the tests start, and
# those of the Cython, with kernels that report every line (without threads and NumPy's twins). Needs a C compiler,
# the packages of the tests, Cython, setuptools, and coverage:
#
#     pip install coverage==7.17.5
#     tools/coverage.sh [--full]
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

git clone --quiet "$root" "$work/fastnet"
cd "$work/fastnet"
export FASTNET_BUILD=require PYTHONPATH=$PWD

python setup.py --quiet build_ext --inplace >/dev/null
cat >"$work/python.rc" <<'RC'
[run]
source = fastnet
parallel = True
patch = subprocess
[report]
show_missing = True
skip_covered = True
exclude_also =
    if TYPE_CHECKING:
    @abstractmethod
    \.\.\.$
RC
export COVERAGE_FILE=$work/data
python -m coverage run --rcfile="$work/python.rc" -m pytest -q -p no:cacheprovider "$@"
python -m coverage combine --quiet --rcfile="$work/python.rc"
python -m coverage report --rcfile="$work/python.rc"

FASTNET_TRACE=1 FASTNET_DISPATCH=off CFLAGS=-O0 python setup.py --quiet build_ext --inplace >/dev/null
cp -r build/cython/fastnet . # coverage looks for the C beside the Cython
cat >"$work/cython.rc" <<'RC'
[run]
plugins = Cython.Coverage
RC
# In one process: only the plugin that has seen a line run knows which C file an inline function of a .pxd file is in.
python - "$work/cython.rc" <<'PYTHON'
import sys
import pytest
from coverage import Coverage

coverage = Coverage(data_file=None, config_file=sys.argv[1], source=["fastnet"])
coverage.start()
tests = ["functions", "layers", "networks", "twins", "test_gradient.py", "test_optimizer.py"]
status = pytest.main(["-q", "-p", "no:cacheprovider", "-k", "not numpy and not 784", *(f"tests/{name}" for name in tests)])
coverage.stop()
coverage.report(show_missing=True, include=["*.pyx", "*.pxd"])
sys.exit(status)
PYTHON
