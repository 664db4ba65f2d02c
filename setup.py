"""Compile fastnet's kernels where a C compiler works, and install without them where none does.

The environment variable FASTNET_BUILD says what happens when they cannot be compiled:

auto (default)  install without them; fastnet then computes with NumPy and says so
require         fail
skip            do not try to compile

FASTNET_DISPATCH=off compiles for the most modest processor alone, to test what runs there.

What build/ holds is never taken for up to date: Cython and setuptools would look at the files' times, and those of an
unpacked archive say nothing.
"""

import gc
import os
import runpy
import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

MODES = ("auto", "require", "skip")
mode = os.environ.get("FASTNET_BUILD") or "auto"
if mode not in MODES:
    raise SystemExit(f"FASTNET_BUILD is {mode!r}: it takes one of {', '.join(MODES)}")

DIRECTIVES = {
    "language_level": 3,
    "boundscheck": False,
    "wraparound": False,
    "initializedcheck": False,
    "cdivision": True,
    "annotation_typing": False,  # the annotations are those of the NumPy twins, for the reader
    # Half of the generated C would be comments, and the wrapper that gives a function Python's attributes.
    "emit_code_comments": False,
    "binding": False,
    "embedsignature": True,
    "embedsignature.format": "clinic",
}


class Build(build_ext):
    """Translates the modules when they are compiled, and not each time pip asks this file a question."""

    def finalize_options(self):
        super().finalize_options()
        self.force = True
        # Two modules at a time, each by a compiler of its own, which takes up to 0.3 GB. On Windows one after another,
        # since nobody has tried two there.
        self.parallel = 1 if sys.platform == "win32" else 2

    def build_extensions(self):
        import numpy
        from Cython.Build import cythonize

        for extension in self.extensions:
            extension.include_dirs.append(numpy.get_include())
        gc.disable()  # Cython builds large trees, which the collector would search in vain: half of the time
        # The generated C goes to build/, away from the sources that people read.
        translated = cythonize(self.extensions, build_dir="build/cython", force=True, compiler_directives=DIRECTIVES)
        for extension, c in zip(self.extensions, translated, strict=True):
            extension.sources = c.sources
        super().build_extensions()


extensions = []
if mode != "skip":
    # -O3 turns loops into vector instructions. The next two let it do so where both branches of a condition have to be
    # computed: nobody here looks at errno or at the floating-point exception flags. The next keeps a change of
    # one loop from moving the next to where it runs up to 15 % faster or slower. Python's own flags ask for what
    # debuggers read, and for warnings, which say nothing of generated code: both take time.
    flags = ["-O3", "-fno-math-errno", "-fno-trapping-math", "-falign-functions=64", "-g0", "-w"]
    # GCC would unroll a loop of sixteen steps, over NARROWEST columns, before it looks for vectors, and then find none.
    rolled = ["--param", "max-completely-peel-times=8"]
    flags_of = {"fastnet._twins.dense_network": rolled}
    macros = [("NPY_NO_DEPRECATED_API", "NPY_1_7_API_VERSION")]
    if os.environ.get("FASTNET_DISPATCH") == "off":
        macros.append(("FASTNET_NO_DISPATCH", "1"))
    # Each module knows what it was compiled from, so that a later change of its sources shows. The file is run, because
    # to import it would be to import all of fastnet.
    fingerprints = runpy.run_path("fastnet/_twins/shared/sources.py")["fingerprints"](Path("fastnet"))
    extensions = [
        Extension(
            name,
            [f"{name.replace('.', '/')}.pyx"],
            extra_compile_args=[] if sys.platform == "win32" else flags + flags_of.get(name, []),
            define_macros=[*macros, ("FASTNET_FINGERPRINT", f"{fingerprint}ULL")],
            optional=mode == "auto",
        )
        for name, fingerprint in fingerprints.items()
    ]

setup(ext_modules=extensions, cmdclass={"build_ext": Build})
