"""Describe the machine: measured times depend on it, and a bug report needs it."""

import platform
from pathlib import Path

import numpy as np

from fastnet import _backend


def machine() -> dict[str, str]:
    """Return what measured times depend on, as `{fact: value}`."""
    return {
        "processor": processor(),
        "instruction set": _backend.kernels.instruction_set(),
        "backend": _backend.get_backend(),
        "Python": platform.python_version(),
        "NumPy": np.__version__,
        "BLAS": blas(),
    }


def processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:  # not Linux
        pass
    return platform.processor() or platform.machine()


def blas() -> str:
    """Return the name of the BLAS that NumPy has loaded, and its number of threads."""
    from threadpoolctl import threadpool_info

    loaded = [library for library in threadpool_info() if library["user_api"] == "blas"]
    if not loaded:
        built_with = np.show_config(mode="dicts")["Build Dependencies"]["blas"]["name"]
        return f"{built_with}, threads unknown"
    return "; ".join(
        f"{library['internal_api']} {library['version']} ({library.get('architecture', 'architecture unknown')}), "
        f"{library['num_threads']} thread{'s' if library['num_threads'] != 1 else ''}"
        for library in loaded
    )
