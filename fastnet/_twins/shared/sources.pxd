"""The fingerprint of a compiled module's sources: `setup.py` computes it with `sources.py` and defines the macro.

Every compiled module exports it as `fingerprint`, and `_backend.py` compares it with the present sources.
"""

cdef extern from *:
    unsigned long long FASTNET_FINGERPRINT
