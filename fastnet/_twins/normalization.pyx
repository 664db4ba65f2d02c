"""Batch normalisation and its gradient, compiled. The twin is `normalization_numpy.py`: it has the formulas.

The arrays are read in strips of a few columns, which stay in the L2 cache: so the loops over the samples, one for each
sum and one for the result, read the memory once. The sums of a strip are in float64.

Shapes: N samples, at least 1, with D elements each.
"""

from cython cimport floating
from libc.math cimport sqrt

from fastnet._twins.shared.dispatch cimport VECTORISED
from fastnet._twins.shared.memory cimport PyArray_ITEMSIZE, address, empty_like, import_array, ndarray
from fastnet._twins.shared.sources cimport FASTNET_FINGERPRINT

__all__ = ["normalize", "normalize_gradient"]

import_array()

fingerprint = FASTNET_FINGERPRINT

cdef enum:
    STRIP = 256  # columns


# The arrays of a call: (N, D) or (D,).
cdef struct Problem:
    Py_ssize_t N, D
    double eps
    void *x
    void *gamma
    void *beta
    void *out
    void *xn
    void *xc
    void *mean
    void *var
    void *std


cdef VECTORISED _normalize(const Problem* problem, floating* like) noexcept nogil:
    cdef Py_ssize_t N = problem.N, D = problem.D, first, width, n, j
    cdef double sums[STRIP]
    cdef floating mean[STRIP]
    cdef floating scale[STRIP]
    cdef double std
    cdef const floating* x
    cdef const floating* gamma
    cdef const floating* beta
    cdef floating* xn
    cdef floating* xc
    cdef floating* out
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
            (<floating*> problem.mean)[first + j] = mean[j]
            sums[j] = 0
        for n in range(N):
            for j in range(width):
                difference = x[n * D + j] - mean[j]
                xc[n * D + j] = difference
                sums[j] += <double> difference * difference
        for j in range(width):
            std = sqrt(sums[j] / N + problem.eps)
            (<floating*> problem.var)[first + j] = <floating> (sums[j] / N)
            (<floating*> problem.std)[first + j] = <floating> std
            scale[j] = <floating> (1 / std)
        for n in range(N):
            for j in range(width):
                difference = xc[n * D + j] * scale[j]
                xn[n * D + j] = difference
                out[n * D + j] = gamma[j] * difference + beta[j]


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


def normalize(
    ndarray x: FloatArray, ndarray gamma: FloatArray, ndarray beta: FloatArray, double eps: float, /
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return out, xn and xc (N, D), and mean, var and std (D,), for x (N, D), gamma and beta (D,)."""
    cdef Problem problem
    cdef ndarray out = empty_like(x), xn = empty_like(x), xc = empty_like(x)
    cdef ndarray mean = empty_like(gamma), var = empty_like(gamma), std = empty_like(gamma)
    problem.N, problem.D, problem.eps = x.shape[0], x.shape[1], eps
    problem.x, problem.gamma, problem.beta = address(x), address(gamma), address(beta)
    problem.out, problem.xn, problem.xc = address(out), address(xn), address(xc)
    problem.mean, problem.var, problem.std = address(mean), address(var), address(std)
    if PyArray_ITEMSIZE(x) == sizeof(float):
        _normalize[float](&problem, NULL)
    else:
        _normalize[double](&problem, NULL)
    return out, xn, xc, mean, var, std


def normalize_gradient(
    ndarray dout: FloatArray, ndarray xn: FloatArray, ndarray xc: FloatArray, ndarray gamma: FloatArray,
    ndarray std: FloatArray, /,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return dx (N, D), dgamma and dbeta (D,) for dout, xn and xc (N, D), gamma and std (D,)."""
    cdef Problem problem
    cdef ndarray dx = empty_like(dout), dgamma = empty_like(gamma), dbeta = empty_like(gamma)
    problem.N, problem.D = dout.shape[0], dout.shape[1]
    problem.out, problem.xn, problem.xc = address(dout), address(xn), address(xc)
    problem.gamma, problem.std = address(gamma), address(std)
    problem.x, problem.mean, problem.var = address(dx), address(dgamma), address(dbeta)
    if PyArray_ITEMSIZE(dout) == sizeof(float):
        _differentiate[float](&problem, NULL)
    else:
        _differentiate[double](&problem, NULL)
    return dx, dgamma, dbeta
