"""Compile the generated C for platforms that this machine is not, with warnings as errors. Nothing is linked.

    python tools/cross_compile.py [COMPILER ...]

By default with clang and with the compilers for arm64, musl and Windows: on Debian, the packages clang,
gcc-aarch64-linux-gnu, musl-tools and gcc-mingw-w64-x86-64.

The headers are copies of those of the Python that runs this, with its own `pyconfig.h`, as other platforms have none
here. (Debian's leads to one for each platform.) For Windows, what differs there is changed in the copy. That is near to
the real ones, but it is not the same.
"""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

import numpy

COMPILERS = ("clang", "aarch64-linux-gnu-gcc", "musl-gcc", "x86_64-w64-mingw32-gcc")
FLAGS = [
    "-c", "-O3", "-Wall", "-Wextra", "-Werror",
    "-Wno-unused-function",  # Cython compiles every version of a fused function, also one that nothing calls
    "-Wno-maybe-uninitialized",  # of GCC, and only a guess: it does not see that each tile has at least one row
    "-Wno-unknown-warning-option",  # of clang, which does not know the flag before
    "-fno-math-errno", "-fno-trapping-math",
    "-DNPY_NO_DEPRECATED_API=NPY_1_7_API_VERSION", "-DFASTNET_FINGERPRINT=1ULL",
]  # fmt: skip
# long has 4 bytes, wchar_t has 2, and these headers do not exist.
OF_WINDOWS = {
    r"(define (NPY_)?SIZEOF_LONG) \d": r"\1 4",
    r"(define (NPY_)?SIZEOF_WCHAR_T) \d": r"\1 2",
    r"#define (HAVE_SYS_SELECT_H|NPY_HAVE_ENDIAN_H) 1": "",
}


def translate(root: Path, scratch: Path) -> list[Path]:
    """Let Cython write the C of all modules, as `setup.py` does, with a compiler that does nothing."""
    folders: list[str | Path] = ["--build-lib", scratch / "lib", "--build-temp", scratch]
    build: list[str | Path] = [sys.executable, "setup.py", "--quiet", "build_ext", *folders]
    environment = {**os.environ, "CC": "true", "FASTNET_BUILD": "require"}
    subprocess.run(build, cwd=root, env=environment, check=True, stdout=subprocess.DEVNULL)
    return sorted((root / "build" / "cython").rglob("*.c"))


def headers_for(compiler: str, scratch: Path) -> list[str]:
    """Return the folders of Python's and NumPy's headers, copied into `scratch`."""
    folders = [Path(sysconfig.get_path("include")), Path(numpy.get_include())]
    copies = [scratch / str(number) for number, _ in enumerate(folders)]
    for folder, copy in zip(folders, copies, strict=True):
        shutil.copytree(folder, copy)
    of_debian = folders[0].parent / str(sysconfig.get_config_var("MULTIARCH")) / folders[0].name / "pyconfig.h"
    if of_debian.exists():
        shutil.copy(of_debian, copies[0])
    if "mingw" in compiler:
        for config in (copies[0] / "pyconfig.h", copies[1] / "numpy" / "_numpyconfig.h"):
            text = config.read_text("utf-8")
            for pattern, replacement in OF_WINDOWS.items():
                text = re.sub(pattern, replacement, text)
            config.write_text(text, "utf-8")
    return [f"-I{copy}" for copy in copies]


def compiles(compiler: str, sources: list[Path], scratch: Path) -> bool:
    """Compile all sources, and say what came of it."""
    headers = headers_for(compiler, scratch)
    good = True
    for source in sources:
        target = scratch / f"{source.stem}.o"
        done = subprocess.run(
            [compiler, *FLAGS, *headers, source, "-o", target], capture_output=True, text=True, check=False
        )
        print(f"{compiler:<24} {source.name:<28} {'failed' if done.returncode else 'compiled'}")
        if done.returncode:
            print(done.stderr)
        good &= not done.returncode
        if "musl" in compiler and not done.returncode and (names := indirect_functions(target)):
            print(f"musl's loader cannot choose a version: {', '.join(names)}")
            good = False
    return good


def indirect_functions(target: Path) -> list[str]:
    """Return the functions of which the loader would have to choose a version: `nm` marks them with an i."""
    symbols = subprocess.run(["nm", target], capture_output=True, text=True, check=True).stdout.splitlines()
    return [line.split()[-1] for line in symbols if " i " in line]


def main(compilers: list[str]) -> int:
    """Return 0 if every source compiles with every compiler."""
    if missing := [compiler for compiler in compilers if not shutil.which(compiler)]:
        print(f"not installed: {', '.join(missing)}", file=sys.stderr)
        return 2
    root = Path(__file__).resolve().parent.parent
    with tempfile.TemporaryDirectory() as folder:
        sources = translate(root, Path(folder))
        results = []
        for number, compiler in enumerate(compilers):
            scratch = Path(folder, f"of-{number}")
            scratch.mkdir()
            results.append(compiles(compiler, sources, scratch))
    return 0 if all(results) else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:] or list(COMPILERS)))
