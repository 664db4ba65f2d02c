"""Compile fastnet's kernels where a C compiler works, and install without them where none does.

The environment variable FASTNET_BUILD says what happens when they cannot be compiled:

auto (default)  install without them; fastnet then computes with NumPy and says so
require         fail
skip            do not try to compile

FASTNET_DISPATCH=off compiles for the most modest processor alone, to test what runs there.

What build/ holds is never taken for up to date: Cython and setuptools would look at the files' times, and those of an
unpacked archive say nothing.
"""

import os
import runpy
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

    # -O3 turns loops into vector instructions. The next two let it do so where both branches of a condition have to be
    # computed: nobody here looks at errno or at the floating-point exception flags. The last keeps a change of one loop
    # from moving the next to where it runs up to 15 % faster or slower.
    flags = [] if sys.platform == "win32" else ["-O3", "-fno-math-errno", "-fno-trapping-math", "-falign-functions=64"]
    macros = [("NPY_NO_DEPRECATED_API", "NPY_1_7_API_VERSION")]
    if os.environ.get("FASTNET_DISPATCH") == "off":
        macros.append(("FASTNET_NO_DISPATCH", "1"))
    # The optimizers round after every operation, as NumPy does: no instruction that multiplies, adds and rounds once.
    unfused = ["-ffp-contract=off"]
    # GCC would unroll a loop of sixteen steps, over NARROWEST columns, before it looks for vectors, and then find none.
    rolled = ["--param", "max-completely-peel-times=8"]
    flags_of = {} if sys.platform == "win32" else {"_optimizers": unfused, "_training": rolled}
    # Each module knows what it was compiled from, so that a later change of its sources shows. The file is run, because
    # to import it would be to import all of fastnet.
    fingerprints = runpy.run_path("fastnet/_sources.py")["fingerprints"](Path("fastnet"))
    modules = [
        Extension(
            f"fastnet.{name}",
            [f"fastnet/{name}.pyx"],
            depends=[header.as_posix() for header in sorted(Path("fastnet").glob("_*.pxd"))],
            include_dirs=[numpy.get_include()],
            extra_compile_args=flags + flags_of.get(name, []),
            define_macros=[*macros, ("FASTNET_FINGERPRINT", f"{fingerprint}ULL")],
        )
        for name, fingerprint in fingerprints.items()
    ]
    # The generated C goes to build/, away from the sources that people read.
    extensions = cythonize(modules, build_dir="build/cython", force=True)
    for extension in extensions:
        extension.optional = mode == "auto"  # set here because cythonize() drops it

# Two modules at a time, each by a compiler of its own, which takes up to 0.3 GB. On Windows one after another, since
# nobody has tried two there.
setup(ext_modules=extensions, options={"build_ext": {"force": True, "parallel": 1 if sys.platform == "win32" else 2}})
