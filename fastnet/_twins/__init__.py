"""The kernels. Each exists twice: in Cython (`NAME.pyx`) and in NumPy (`NAME_numpy.py`), which is the specification."""
