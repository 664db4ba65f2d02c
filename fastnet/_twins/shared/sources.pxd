"""The fingerprint of the sources of a compiled module: `setup.py` defines this macro from `sources.py`.

Every compiled module exports it as `fingerprint`, and `_backend.py` compares it with the sources.
"""

cdef extern from *:
    unsigned long long FASTNET_FINGERPRINT
