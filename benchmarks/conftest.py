"""What every benchmark needs: one BLAS thread, a backend, and a record of what was measured."""

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

import fastnet

IMPLEMENTATIONS = ("textbook", "numpy", "cython")


@pytest.fixture(autouse=True)
def one_blas_thread():
    """Threads cost these small products more than they bring, and make times depend on what else runs."""
    with threadpool_limits(1):
        yield


@pytest.fixture(params=IMPLEMENTATIONS)
def implementation(request, benchmark):
    """Each in turn: the textbook's code, and fastnet on either backend."""
    benchmark.extra_info |= {
        "NumPy": np.__version__,
        "BLAS": [f"{library['internal_api']} {library['version']}" for library in threadpool_info()],
        "BLAS threads": 1,
    }
    if request.param == "textbook":
        yield request.param
        return
    try:
        chosen = fastnet.use_backend(request.param)
    except ImportError as error:
        pytest.skip(str(error))
    with chosen:
        yield request.param
