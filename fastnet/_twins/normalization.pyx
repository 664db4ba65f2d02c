"""Batch normalisation and its gradient, compiled. The twin is `normalization_numpy.py`: it has the formulas.

The arrays are read in strips of a few columns, which stay in the L2 cache: so the loops over the samples, one for each
sum and one for the result, read the memory once. The sums of a strip are in float64.

A ReLU behind the layer is computed on the way, where its inputs are in registers.

Shapes: N samples, at least 1, with D elements each.
"""

from cython cimport floating
from libc.math cimport sqrt

from fastnet._twins.shared cimport formulas
from fastnet._twins.shared.dispatch cimport VECTORISED
from fastnet._twins.shared.memory cimport (
    NPY_DOUBLE, PyArray_ITEMSIZE, PyArray_SAMESHAPE, PyArray_TYPE, address, empty_like, import_array, ndarray, plain,
)
from fastnet._twins.shared.sources cimport FASTNET_FINGERPRINT

from numpy import empty

__all__ = ["normalize", "normalize_gradient"]

import_array()

fingerprint = FASTNET_FINGERPRINT

cdef enum:
    STRIP = 256  # columns


# The arrays of a call: (N, D) or (D,).
cdef struct Problem:
    Py_ssize_t N, D
    double eps, momentum
    double *running_mean  # the old ones
    double *running_var
    unsigned char *mask   # (N, D), or NULL
    void *x
    void *gamma
    void *beta
    void *out
    void *xn
    void *xc
    void *mean
    void *var
    void *std


cdef inline double _moved(double running, double value, double momentum) noexcept nogil:
    return momentum * running + (1 - momentum) * value


cdef VECTORISED _normalize(const Problem* problem, floating* like) noexcept nogil:
    cdef Py_ssize_t N = problem.N, D = problem.D, first, width, n, j
    cdef double sums[STRIP]
    cdef floating mean[STRIP]
    cdef floating scale[STRIP]
    cdef floating variance
    cdef double std
    cdef const floating* x
    cdef const floating* gamma
    cdef const floating* beta
    cdef floating* xn
    cdef floating* xc
    cdef floating* out
    cdef unsigned char* mask
    cdef floating difference
    for first from 0 <= first < D by STRIP:
        width = min(STRIP, D - first)
        x, xn, out = <floating*> problem.x + first, <floating*> problem.xn + first, <floating*> problem.out + first
        xc = <floating*> problem.xc + first
        gamma, beta = <floating*> problem.gamma + first, <floating*> problem.beta + first
        for j in range(width):
            sums[j] = 0
        for n in range(N):
            for j in range(width):
                sums[j] += x[n * D + j]
        for j in range(width):
            mean[j] = <floating> (sums[j] / N)
            (<double*> problem.mean)[first + j] = _moved(problem.running_mean[first + j], mean[j], problem.momentum)
            sums[j] = 0
        for n in range(N):
            for j in range(width):
                difference = x[n * D + j] - mean[j]
                xc[n * D + j] = difference
                sums[j] += <double> difference * difference
        for j in range(width):
            std = sqrt(sums[j] / N + problem.eps)
            variance = <floating> (sums[j] / N)
            (<double*> problem.var)[first + j] = _moved(problem.running_var[first + j], variance, problem.momentum)
            (<floating*> problem.std)[first + j] = <floating> std
            scale[j] = <floating> (1 / std)
        for n in range(N):
            for j in range(width):
                difference = xc[n * D + j] * scale[j]
                xn[n * D + j] = difference
                out[n * D + j] = gamma[j] * difference + beta[j]
        if problem.mask != NULL:
            mask = problem.mask + first
            for n in range(N):
                for j in range(width):
                    mask[n * D + j] = out[n * D + j] <= 0
                    out[n * D + j] = formulas.relu(out[n * D + j])


cdef VECTORISED _zero_where(
    const floating* values, const unsigned char* mask, Py_ssize_t size, floating* out
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(size):
        out[i] = <floating> 0.0 if mask[i] else values[i]


cdef VECTORISED _differentiate(const Problem* problem, floating* like) noexcept nogil:
    # out, xn, xc, gamma and std -> x, gamma's gradient in mean, and beta's gradient in var
    cdef Py_ssize_t N = problem.N, D = problem.D, first, width, n, j
    cdef double of_beta[STRIP]
    cdef double of_gamma[STRIP]
    cdef double of_xc[STRIP]
    cdef double sums[STRIP]
    cdef floating mean[STRIP]
    cdef floating slope[STRIP]
    cdef floating scale[STRIP]
    cdef double std
    cdef const floating* dout
    cdef const floating* xn
    cdef const floating* xc
    cdef floating* dx
    for first from 0 <= first < D by STRIP:
        width = min(STRIP, D - first)
        dout, xn, dx = <floating*> problem.out + first, <floating*> problem.xn + first, <floating*> problem.x + first
        xc = <floating*> problem.xc + first
        for j in range(width):
            of_beta[j] = of_gamma[j] = of_xc[j] = sums[j] = 0
        for n in range(N):
            for j in range(width):
                of_beta[j] += dout[n * D + j]
                of_gamma[j] += <double> dout[n * D + j] * xn[n * D + j]
                of_xc[j] += <double> dout[n * D + j] * xc[n * D + j]
                sums[j] += xc[n * D + j]
        for j in range(width):
            (<floating*> problem.mean)[first + j] = <floating> of_gamma[j]
            (<floating*> problem.var)[first + j] = <floating> of_beta[j]
            std = (<floating*> problem.std)[first + j]
            of_xc[j] = of_xc[j] / N / (std * std)
            slope[j] = <floating> of_xc[j]
            mean[j] = <floating> ((of_beta[j] - of_xc[j] * sums[j]) / N)
            scale[j] = (<floating*> problem.gamma)[first + j] / (<floating*> problem.std)[first + j]
        for n in range(N):
            for j in range(width):
                dx[n * D + j] = (dout[n * D + j] - mean[j] - xc[n * D + j] * slope[j]) * scale[j]


cdef bint _fits(ndarray x, tuple rows, tuple vectors):
    # Whether all arrays have the dtype of x; `rows` the shape (N, D), and `vectors` (D,).
    cdef Py_ssize_t D = x.size // max(1, x.shape[0])
    for array in rows:
        if not plain(array) or PyArray_TYPE(<ndarray> array) != PyArray_TYPE(x) or (<ndarray> array).ndim != 2:
            return False
        if (<ndarray> array).shape[0] != x.shape[0] or (<ndarray> array).shape[1] != D:
            return False
    for array in vectors:
        if not plain(array) or PyArray_TYPE(<ndarray> array) != PyArray_TYPE(x):
            return False
        if (<ndarray> array).ndim != 1 or (<ndarray> array).shape[0] != D:
            return False
    return True


cdef bint _are_statistics(mean, var, ndarray gamma):
    return (
        plain(mean) and plain(var) and PyArray_SAMESHAPE(<ndarray> mean, gamma) and PyArray_SAMESHAPE(<ndarray> var, gamma)
        and PyArray_TYPE(<ndarray> mean) == NPY_DOUBLE and PyArray_TYPE(<ndarray> var) == NPY_DOUBLE
    )


def normalize(
    x: Any, gamma: Any, beta: Any, running_mean: Any, running_var: Any, double momentum: float, double eps: float,
    ndarray mask: BoolArray | None = None, /,
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray, FloatArray] | None:
    """Return out, like x; xn and xc (N, D); and the running mean and variance, moved by this batch, and std (D,).

    x is (N, ...), gamma, beta and the float64 running statistics (D,). With a `mask` in the shape of x, return
    max(0, out), and set the mask where out is at most 0. Return None if an argument needs conversion or does not fit.
    """
    cdef Problem problem
    cdef ndarray out, xn, xc, std, mean, var
    if not plain(x) or (<ndarray> x).ndim < 2 or (<ndarray> x).size == 0 or not _fits(x, (), (gamma, beta)):
        return None
    if not _are_statistics(running_mean, running_var, gamma):
        return None
    problem.N, problem.eps, problem.momentum = (<ndarray> x).shape[0], eps, momentum
    problem.D = (<ndarray> gamma).shape[0]
    out, xn, std = empty_like(x), empty((problem.N, problem.D), x.dtype), empty_like(gamma)
    xc, mean, var = empty_like(xn), empty_like(running_mean), empty_like(running_mean)
    problem.x, problem.gamma, problem.beta = address(x), address(gamma), address(beta)
    problem.running_mean, problem.running_var = <double*> address(running_mean), <double*> address(running_var)
    problem.out, problem.xn, problem.xc = address(out), address(xn), address(xc)
    problem.mean, problem.var, problem.std = address(mean), address(var), address(std)
    problem.mask = NULL if mask is None else <unsigned char*> address(mask)
    if PyArray_ITEMSIZE(x) == sizeof(float):
        _normalize[float](&problem, NULL)
    else:
        _normalize[double](&problem, NULL)
    return out, xn, xc, mean, var, std


def normalize_gradient(
    dout: Any, xn: Any, xc: Any, gamma: Any, std: Any, ndarray mask: BoolArray | None = None, /
) -> tuple[FloatArray, FloatArray, FloatArray] | None:
    """Return dx, like dout, and dgamma and dbeta (D,), for dout (N, ...), xn and xc (N, D), gamma and std (D,).

    Where the `mask`, of the shape of dout, is set, dout counts as 0. Return None if an argument needs conversion or
    does not fit.
    """
    cdef Problem problem
    cdef ndarray dx, dgamma, dbeta, counted = None
    if not plain(dout) or (<ndarray> dout).size == 0 or not _fits(dout, (xn, xc), (gamma, std)):
        return None
    dx, dgamma, dbeta = empty_like(dout), empty_like(gamma), empty_like(gamma)
    problem.N, problem.D = (<ndarray> xn).shape[0], (<ndarray> xn).shape[1]
    problem.out, problem.xn, problem.xc = address(dout), address(xn), address(xc)
    problem.gamma, problem.std = address(gamma), address(std)
    problem.x, problem.mean, problem.var = address(dx), address(dgamma), address(dbeta)
    if mask is not None:
        counted = empty_like(dout)
        problem.out, problem.mask = address(counted), <unsigned char*> address(mask)
    if PyArray_ITEMSIZE(dout) == sizeof(float):
        if mask is not None:
            _zero_where(<const float*> address(dout), problem.mask, (<ndarray> dout).size, <float*> problem.out)
        _differentiate[float](&problem, NULL)
    else:
        if mask is not None:
            _zero_where(<const double*> address(dout), problem.mask, (<ndarray> dout).size, <double*> problem.out)
        _differentiate[double](&problem, NULL)
    return dx, dgamma, dbeta
