"""Check that wheels run on other machines: with compiled kernels on all of their platform (Linux, x86-64), or anywhere.

    python -m build --wheel && FASTNET_BUILD=skip python -m build --wheel && python tools/check_wheel.py dist/*.whl

It needs auditwheel (`pip install auditwheel`) and objdump, which comes with the compiler. A wheel without kernels, as
FASTNET_BUILD=skip makes it, must be for any platform and hold nothing compiled. Of one with kernels it checks two
things.

- The wheel needs no library, and no version of one, that a Linux of its manylinux tag lacks: auditwheel gives the tag.
- An instruction that not every x86-64 processor has stands only in the functions that are chosen for such a processor.
"""

import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

NEWEST_TAG = (2, 28)  # manylinux_2_28: the distributions of 2018 and later
# GCC names the versions of a function after their instruction sets. A part of it may be split off: ".cold", ".part.0".
CHOSEN = re.compile(r"\.arch_x86_64_v[34]\b")
# The instructions of AVX and AVX-512, which begin with v or k, those of SSE3, SSSE3 and SSE4, and those for bits (BMI).
# tzcnt is missing: to older processors it is the same as bsf.
BEYOND = re.compile(
    r"\t(v(?!err|erw)\w+|k(add|and|mov|not|or|shift|test|unpck|xnor|xor)\w*"
    r"|addsubp[ds]|haddp[ds]|hsubp[ds]|lddqu|movddup|movs[hl]dup|pabs[bwd]|palignr|phadd\w+|phsub\w+|pmaddubsw|pmulhrsw"
    r"|pshufb|psign[bwd]|p?blend\w+|dpp[ds]|extractps|insertps|movntdqa|mpsadbw|packusdw|pcmp(eqq|gtq|[ei]str[im])"
    r"|p(ext|ins)r[bdq]|phminposuw|pmax(sb|sd|ud|uw)|pmin(sb|sd|ud|uw)|pmov[sz]x\w+|pmuldq|pmulld|ptest|round[ps][ds]"
    r"|(andn|bextr|bls(i|msk|r)|bzhi|mulx|pdep|pext|rorx|sarx|shlx|shrx|lzcnt|popcnt|movbe)[lq]?|crc32\w*)(\s|$)"
)


def tag(wheel: Path) -> str:
    """Return the oldest manylinux platform on which the wheel runs."""
    shown = subprocess.run(["auditwheel", "show", wheel], capture_output=True, text=True, check=True).stdout
    found = re.search(r"manylinux_\d+_\d+_\w+", shown)
    return found[0] if found else ""


def misplaced(library: Path) -> dict[str, str]:
    """Return the functions that use an instruction beyond the baseline without being chosen for it, and one of each."""
    command: list[str | Path] = ["objdump", "--disassemble", "--no-show-raw-insn", library]
    listing = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    function = ""
    found: dict[str, str] = {}
    for line in listing.splitlines():
        if header := re.match(r"[0-9a-f]+ <(.+)>:", line):
            function = header[1]
        elif BEYOND.search(line) and not CHOSEN.search(function):
            found.setdefault(function, line.strip())
    return found


def is_for_any(wheel: Path) -> bool:
    """Whether a wheel without kernels is what its name says."""
    archive = zipfile.ZipFile(wheel)
    names = archive.namelist()
    compiled = [name for name in names if name.endswith((".so", ".pyd", ".c"))]
    (about,) = [archive.read(name).decode() for name in names if name.endswith(".dist-info/WHEEL")]
    good = not compiled and "Root-Is-Purelib: true" in about
    print(f"{wheel.name}: {len(compiled)} compiled modules, {'for any platform' if good else about}")
    return good


def is_portable(wheel: Path) -> bool:
    """Whether a wheel with kernels runs on every machine of its platform."""
    platform = tag(wheel)
    version = tuple(int(number) for number in re.findall(r"\d+", platform)[:2])
    print(f"{wheel.name}: {platform or 'no manylinux tag'}")
    good = bool(platform) and version <= NEWEST_TAG
    with tempfile.TemporaryDirectory() as folder:
        zipfile.ZipFile(wheel).extractall(folder)
        libraries = sorted(Path(folder).rglob("*.so"))
        for library in libraries:
            for function, instruction in misplaced(library).items():
                print(f"{library.name}: {function} has {instruction}")
                good = False
    print(f"disassembled {len(libraries)} libraries")
    return good and bool(libraries)


def main(wheels: list[Path]) -> int:
    """Return 0 if all wheels are portable."""
    good = bool(wheels)
    for wheel in wheels:
        good &= is_for_any(wheel) if wheel.name.endswith("-py3-none-any.whl") else is_portable(wheel)
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main([Path(name) for name in sys.argv[1:]]))
