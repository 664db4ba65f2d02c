"""Compile fastnet's kernels where a C compiler works, and install without them where none does.

The environment variable FASTNET_BUILD says what happens when they cannot be compiled:

auto (default)  install without them; fastnet then computes with NumPy and says so
require         fail
skip            do not try to compile
"""

import os

from setuptools import Extension, setup

MODES = ("auto", "require", "skip")
mode = os.environ.get("FASTNET_BUILD") or "auto"
if mode not in MODES:
    raise SystemExit(f"FASTNET_BUILD is {mode!r}: it takes one of {', '.join(MODES)}")

extensions = []
if mode != "skip":
    from Cython.Build import cythonize

    # The generated C goes to build/, away from the sources that people read.
    extensions = cythonize(Extension("fastnet._kernels", ["fastnet/_kernels.pyx"]), build_dir="build/cython")
    for extension in extensions:
        extension.optional = mode == "auto"  # set here because cythonize() drops it

setup(ext_modules=extensions)
