"""The kernels: each in Cython (`NAME.pyx`) and, beside it, in NumPy (`NAME_numpy.py`), which is the specification."""
