"""What a module is compiled from: `setup.py` defines the macro, `_backend.py` reads what the module makes of it."""

cdef extern from *:
    unsigned long long FASTNET_FINGERPRINT
