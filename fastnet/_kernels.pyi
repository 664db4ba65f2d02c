"""What the compiled front offers to a type checker: the names and signatures of its twin, the NumPy front.

`python -m mypy.stubtest fastnet._kernels` compares them with the compiled module.
"""

from fastnet._kernels_numpy import *  # noqa: F403

fingerprint: int
