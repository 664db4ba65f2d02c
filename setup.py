"""Build fastnet: compile the kernels if a C compiler works, and install without them if not.

The metadata is in `pyproject.toml`. The environment variable FASTNET_BUILD says what happens if the kernels do not
compile:

auto (default)  install without them; fastnet then computes with NumPy and warns
require         fail
skip            do not try to compile

FASTNET_DISPATCH=off compiles only the baseline version of each loop, which runs on every processor: for tests.

FASTNET_DEBUG=1 lets Cython check every index and every None, and keeps what a debugger needs. Most loops work on
pointers, which Cython does not check: `tools/sanitize.sh` does.

FASTNET_COVERAGE=1 lets GCC count how often each line of the kernels runs, and optimises nothing: see
`tools/coverage.sh`.

Every build compiles everything again. Cython and setuptools would compare the modification times of files, and these
are meaningless in an unpacked archive.
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
    raise SystemExit(f"FASTNET_BUILD is {mode!r}: it must be one of {', '.join(MODES)}")

debug = os.environ.get("FASTNET_DEBUG", "0")
if debug not in ("0", "1"):
    raise SystemExit(f"FASTNET_DEBUG is {debug!r}: it must be 0 or 1")
CHECKS = debug == "1"
COVERAGE = os.environ.get("FASTNET_COVERAGE") == "1"

DIRECTIVES = {
    "language_level": 3,
    "boundscheck": CHECKS,
    "initializedcheck": CHECKS,
    "nonecheck": CHECKS,
    "wraparound": False,
    "cdivision": True,
    "annotation_typing": False,  # Cython ignores the annotations: they are for the reader
    "freethreading_compatible": True,  # importing the kernels leaves the GIL of a free-threaded Python off
    # Without comments, and without the wrappers that give a function Python's attributes, the C code is half as long.
    "emit_code_comments": COVERAGE,  # tools/uncovered.py finds the lines by them
    "binding": False,
    "embedsignature": True,
    "embedsignature.format": "clinic",
}


class Build(build_ext):
    """Run Cython only when compiling, and not whenever pip runs this file."""

    def finalize_options(self):
        super().finalize_options()
        self.force = True
        # Compile two modules at a time. Each compiler takes up to 0.3 GB. Not on Windows, where this is untested.
        self.parallel = 1 if sys.platform == "win32" else 2

    def build_extensions(self):
        import numpy
        from Cython.Build import cythonize

        for extension in self.extensions:
            extension.include_dirs.append(numpy.get_include())
            if "-mdaz-ftz" in getattr(self.compiler, "linker_so", ()):  # only a compiler that knows it knows -mno-
                extension.extra_link_args.append("-mno-daz-ftz")
        gc.disable()  # Cython builds large trees without garbage: searching them takes half of the time
        # The generated C goes to build/, not beside the sources.
        translated = cythonize(self.extensions, build_dir="build/cython", force=True, compiler_directives=DIRECTIVES)
        for extension, c in zip(self.extensions, translated, strict=True):
            extension.sources = c.sources
        super().build_extensions()


extensions = []
if mode != "skip":
    # The flags of the user (CFLAGS, CPPFLAGS, LDFLAGS, CC) come before these, and the last flag counts. With
    # -ffast-math or a part of it, the kernels would compute wrong numbers, so it is switched off.
    # -fno-fast-math: every part of -ffast-math. It stands first, because it also takes back the two -fno-math... below.
    # -O3: vectorise loops; not -Ofast, which contains -ffast-math.
    # -fno-math-errno, -fno-trapping-math: also vectorise where both branches of a condition have to be computed. The
    # kernels read neither errno nor the floating-point exception flags.
    # -falign-functions=64: a change in one loop does not change the alignment, and so the speed, of the next loop.
    # Without it the speed varies by up to 15 %.
    # -g0, -w: Python's own flags ask for debug information and warnings. For generated code these only take time.
    flags = ["-fno-fast-math", "-O3", "-fno-math-errno", "-fno-trapping-math", "-falign-functions=64", "-w"]
    flags.append("-g" if CHECKS else "-g0")
    # With one of these flags of the user, the linker would add code that makes the processor replace subnormal numbers
    # by 0, in the whole process.
    link_flags = ["-O3", "-fno-fast-math", "-fno-unsafe-math-optimizations"]
    # By default GCC unrolls a loop of sixteen steps, over NARROWEST columns, and then does not vectorise it.
    rolled = ["--param", "max-completely-peel-times=8"]
    flags_of = {"fastnet._twins.shared.products": rolled}
    macros = [("NPY_NO_DEPRECATED_API", "NPY_1_7_API_VERSION")]
    if COVERAGE:
        flags += ["-O0", "--coverage", "-fprofile-update=atomic"]
        link_flags.append("--coverage")
        macros.append(("FASTNET_UNOPTIMISED", "1"))
    if COVERAGE or os.environ.get("FASTNET_DISPATCH") == "off":
        macros.append(("FASTNET_NO_DISPATCH", "1"))
    # Compile into each module a hash of its sources, so that fastnet notices if the sources change later. Run the file:
    # importing it would import all of fastnet.
    fingerprints = runpy.run_path("fastnet/_twins/shared/sources.py")["fingerprints"](Path("fastnet"))
    extensions = [
        Extension(
            name,
            [f"{name.replace('.', '/')}.pyx"],
            extra_compile_args=[] if sys.platform == "win32" else flags + flags_of.get(name, []),
            extra_link_args=[] if sys.platform == "win32" else list(link_flags),
            define_macros=[*macros, ("FASTNET_FINGERPRINT", f"{fingerprint}ULL")],
            optional=mode == "auto",
        )
        for name, fingerprint in fingerprints.items()
    ]

setup(ext_modules=extensions, cmdclass={"build_ext": Build})
