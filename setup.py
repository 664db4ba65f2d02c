"""Compile fastnet's kernels where a C compiler works, and install without them where none does.

The environment variable FASTNET_BUILD says what happens when they cannot be compiled:

auto (default)  install without them; fastnet then computes with NumPy and says so
require         fail
skip            do not try to compile

FASTNET_DISPATCH=off compiles for the most modest processor alone, to test what runs there. It takes a fresh clone:
setuptools takes what it finds in build/ for up to date.
"""

import os
import sys
from pathlib import Path

from setuptools import Extension, setup

MODES = ("auto", "require", "skip")
mode = os.environ.get("FASTNET_BUILD") or "auto"
if mode not in MODES:
    raise SystemExit(f"FASTNET_BUILD is {mode!r}: it takes one of {', '.join(MODES)}")

extensions = []
if mode != "skip":
    import numpy
    from Cython.Build import cythonize

    # -O3 turns loops into vector instructions. The other two let it do so where both branches of a condition have to
    # be computed: nobody here looks at errno or at the floating-point exception flags.
    flags = [] if sys.platform == "win32" else ["-O3", "-fno-math-errno", "-fno-trapping-math"]
    macros = [("NPY_NO_DEPRECATED_API", "NPY_1_7_API_VERSION")]
    if os.environ.get("FASTNET_DISPATCH") == "off":
        macros.append(("FASTNET_NO_DISPATCH", "1"))
    # The optimizers round after every operation, as NumPy does: no instruction that multiplies, adds and rounds once.
    unfused = [] if sys.platform == "win32" else ["-ffp-contract=off"]
    modules = [
        Extension(
            f"fastnet.{source.stem}",
            [source.as_posix()],
            depends=[header.as_posix() for header in sorted(Path("fastnet").glob("*.pxd"))],
            include_dirs=[numpy.get_include()],
            extra_compile_args=flags + (unfused if source.stem == "_optimizers" else []),
            define_macros=macros,
        )
        for source in sorted(Path("fastnet").glob("*.pyx"))
    ]
    # The generated C goes to build/, away from the sources that people read.
    extensions = cythonize(modules, build_dir="build/cython")
    for extension in extensions:
        extension.optional = mode == "auto"  # set here because cythonize() drops it

setup(ext_modules=extensions)
