"""Central differences of the loss of a two-layer network, compiled. The twin is `differences_two_layers_numpy.py`.

Every weight moves by +h and by -h. Each time, only the change of the loss is computed, from the values that depend on
the weight. This file explains the idea; the twin uses the same names.

    a1 = x W1 + b1,  z = sigmoid(a1),  a2 = z W2 + b2,  y = softmax(a2),  loss = -sum_nc t[n,c] log(y[n,c] + eps) / N

Take one sample, and a weight from input i to unit u, which is a hidden unit or a logit. If x[i] is 0, nothing moves.
Otherwise the unit's output moves by some dz, and logit k by dz v[k]. Softmax does not change if all logits move by the
same amount. So choose v[c] = 0 for the class c of the target. Then the denominator of
y[c] = exp(a2[c]) / sum_k exp(a2[k]) grows by the factor

    1 + G,   G = sum_k y[k] (exp(dz v[k]) - 1),

and the loss grows by its gain

    log(y[c] + eps) - log(y[c] / (1 + G) + eps) = log(1 + G) - log(1 + q G),   q = eps / (y[c] + eps).

The gain is computed directly, so it is precise however small it is. So is gain(+h) - gain(-h), for any h; but
loss(+h) - loss(-h) loses most digits to cancellation. A soft target is a sum over its classes c, weighted by t[n,c].

A bias is the weight of an input that is always 1.

Shapes: N samples, D inputs, H hidden units, C classes; in functions for both layers, I inputs and U units.
"""

from cpython.exc cimport PyErr_CheckSignals
from libc.math cimport exp, expm1, fabs, log, log1p

import numpy as np

from fastnet._twins.shared.dispatch cimport VECTORISED
from fastnet._twins.shared.formulas cimport LOSS_EPS, exp_clamped, sigmoid, sigmoid_slope
from fastnet._twins.shared.memory cimport doubles, import_array, ndarray
from fastnet._twins.shared.sources cimport FASTNET_FINGERPRINT
from fastnet._twins.shared.vector_math cimport lowest

from fastnet._twins.shared.formulas_numpy import one_hot, relative

__all__ = ["two_layer_differences"]

import_array()

fingerprint = FASTNET_FINGERPRINT

# A move of a unit's input, or of a logit, up to TINY is tiny: then series of five terms are exact to rounding. Each
# series omits degree 6 and higher: at most TINY^5 of the gain. In gain(+h) - gain(-h) even powers almost cancel:
# because one move is not exactly minus the other, a part of the order of TINY remains. So the error of the difference
# is of the order of TINY^6 = 2^-54; degree 7 contributes as little.
cdef double TINY = 1.0 / 512

# Below this bound nothing overflows, not even (2 HUGE)^5. With larger numbers, infinities or NaN the result is None,
# and the caller evaluates the whole loss in the plain loop.
cdef double HUGE = 1e50

cdef enum:
    # Work between two checks for Ctrl-C, counted in tiny moves: about 10 ms. A check needs the GIL, which the loop has
    # released, and another busy thread may hold it for 5 ms.
    PERIOD = 1 << 23
    LARGER = 32  # a larger move of one logit takes as long as this many tiny moves


cdef struct Layer:
    Py_ssize_t U
    bint curved           # True for the hidden units, which are sigmoids; False for the logits, where z = a
    const double* reach   # (C, U): logit k moves by reach[k,u] times the move of unit u
    const double* spread  # (U,): max_k reach[k,u] - min_k reach[k,u], which |v| never exceeds
    double* a             # (U,): the input of the unit
    double* z             # (U,): its output; 0 for a logit, so that the sigmoid's formula for dz also holds for a logit
    double* slope         # (U,): dz/da
    double* g             # (5, U): see _series
    double limit          # the largest tiny move of an input


cdef struct Target:
    Py_ssize_t C, c
    double weight         # t[n,c]
    double* a2            # (C,)
    double* y             # (C,)


cdef int _listen(Py_ssize_t* work, Py_ssize_t done) except -1 nogil:
    # Check for Ctrl-C after every PERIOD of work.
    work[0] += done
    if work[0] >= PERIOD:
        work[0] = 0
        with gil:
            PyErr_CheckSignals()
    return 0


# ---- Forward, one sample

cdef VECTORISED _affine(
    const double* x, const double* W, const double* b, Py_ssize_t I, Py_ssize_t U, double* a
) noexcept nogil:
    # a[u] = b[u] + sum_i x[i] W[i,u]
    cdef Py_ssize_t i, u
    for u in range(U):
        a[u] = b[u]
    for i in range(I):
        if x[i] != 0:
            for u in range(U):
                a[u] += x[i] * W[i * U + u]


cdef VECTORISED _activate(const double* a, double* z, double* slope, Py_ssize_t U) noexcept nogil:
    # z = sigmoid(a), and slope = dz/da
    cdef Py_ssize_t u
    cdef double low = lowest[double](0)
    for u in range(U):
        z[u] = sigmoid(a[u], low)
        slope[u] = sigmoid_slope(a[u], low)


cdef double _largest_tiny_move(const Layer* hidden) noexcept nogil:
    # The largest |s| for which |s| <= TINY and, to first order, |dz v| = |s| slope |v| <= TINY.
    cdef Py_ssize_t u
    cdef double steepest = 1.0
    for u in range(hidden.U):
        if hidden.slope[u] * hidden.spread[u] > steepest:
            steepest = hidden.slope[u] * hidden.spread[u]
    return TINY / steepest


cdef VECTORISED _softmax(const double* a, double* y, Py_ssize_t C) noexcept nogil:
    # y = softmax(a) for one sample. `softmax.pyx` handles many rows at a time, and also the limits: here all a are
    # finite.
    cdef Py_ssize_t c
    cdef double low = lowest[double](0)
    cdef double largest = a[0], total = 0.0
    for c in range(C):
        largest = a[c] if a[c] > largest else largest
    for c in range(C):
        y[c] = exp_clamped(a[c] - largest, low)
    for c in range(C):
        total += y[c]
    for c in range(C):
        y[c] /= total


# ---- Tiny moves: series, a row of weights at a time

cdef VECTORISED _series(
    const double* y, const double* reach, Py_ssize_t C, Py_ssize_t U, Py_ssize_t c, double* g
) noexcept nogil:
    # exp(dz v) - 1 = dz v + (dz v)^2 / 2! + ... and with v[k] = reach[k,u] - reach[c,u]
    #
    #   G = sum_k y[k] (exp(dz v[k]) - 1) = g1[u] dz + g2[u] dz^2 + ...,   gp[u] = sum_k y[k] v[k]^p / p!
    #
    # gp[u] is the same for all weights of unit u.
    cdef Py_ssize_t k, u
    cdef double v, term
    for u in range(5 * U):
        g[u] = 0.0
    for k in range(C):
        for u in range(U):
            v = reach[k * U + u] - reach[c * U + u]
            term = y[k] * v
            g[u] += term
            term *= v * (1.0 / 2)
            g[U + u] += term
            term *= v * (1.0 / 3)
            g[2 * U + u] += term
            term *= v * (1.0 / 4)
            g[3 * U + u] += term
            term *= v * (1.0 / 5)
            g[4 * U + u] += term


cdef inline double _tiny_expm1(double s) noexcept nogil:
    return s * (1.0 + s * (1.0 / 2 + s * (1.0 / 6 + s * (1.0 / 24 + s * (1.0 / 120)))))


cdef inline double _tiny_gain(
    double m, double z, double slope, const double* g, Py_ssize_t U, const double* f
) noexcept nogil:
    #   dz   = slope m / (1 + z m) = slope m (1 - z m + (z m)^2 - ...)
    #   G    = g1 dz + ... + g5 dz^5
    #   gain = log(1 + G) - log(1 + q G) = f1 G + ... + f5 G^5
    cdef double r = -z * m
    cdef double dz = slope * m * (1.0 + r * (1.0 + r * (1.0 + r * (1.0 + r))))
    cdef double G = dz * (g[0] + dz * (g[U] + dz * (g[2 * U] + dz * (g[3 * U] + dz * g[4 * U]))))
    return G * (f[0] + G * (f[1] + G * (f[2] + G * (f[3] + G * f[4]))))


cdef VECTORISED _tiny_moves(
    const double* x, Py_ssize_t I, double h, const Layer* layer, const double* f, double* out
) noexcept nogil:
    # out[i,u] += gain(+h) - gain(-h). The inputs of the units move by s = h x[i] and -s. Skips |s| > limit.
    #
    # sigmoid(a + s) = z + dz with dz = z (1 - z) m / (1 + z m), m = exp(s) - 1. For a logit, dz = m = s.
    cdef Py_ssize_t i, u, U = layer.U
    cdef const double* z = layer.z
    cdef const double* slope = layer.slope
    cdef const double* g = layer.g
    cdef double s, up, down
    for i in range(I):
        s = h * x[i]
        if s == 0 or fabs(s) > layer.limit:
            continue
        up = _tiny_expm1(s) if layer.curved else s
        down = _tiny_expm1(-s) if layer.curved else -s
        for u in range(U):
            out[i * U + u] += (
                _tiny_gain(up, z[u], slope[u], g + u, U, f) - _tiny_gain(down, z[u], slope[u], g + u, U, f)
            )


# ---- Larger moves: the functions themselves, a weight at a time

cdef double _move(const Layer* layer, Py_ssize_t u, double s) noexcept nogil:
    # The dz of `_tiny_moves`. For |s| > 1, exp(s) could overflow, and the plain difference is precise enough.
    cdef double m
    if not layer.curved:
        return s
    if fabs(s) > 1:
        return sigmoid(layer.a[u] + s, lowest[double](0)) - layer.z[u]
    m = expm1(s)
    return layer.slope[u] * m / (1.0 + layer.z[u] * m)


cdef double _gain(const Layer* layer, Py_ssize_t u, const Target* t, double dz) noexcept nogil:
    # What the loss gains if the output of unit u moves by dz.
    cdef Py_ssize_t k
    cdef const double* reach = layer.reach + u
    cdef double total, p = t.y[t.c] + LOSS_EPS
    if fabs(dz) * layer.spread[u] > 1:  # y[k] exp(dz v[k]) may be 0 times infinity, or G almost -1
        total = 0.0
        for k in range(t.C):
            total += exp(t.a2[k] - t.a2[t.c] + dz * (reach[k * layer.U] - reach[t.c * layer.U]))
        return log(p / (1.0 / total + LOSS_EPS))  # where total is infinite, y[c] is 0
    total = 0.0
    for k in range(t.C):
        total += t.y[k] * expm1(dz * (reach[k * layer.U] - reach[t.c * layer.U]))
    # log(1 + G) - log(1 + q G) in one logarithm
    return log1p(t.y[t.c] * total / (p + LOSS_EPS * total))


cdef int _larger_moves(
    const double* x, Py_ssize_t I, double h, const Layer* layer, const Target* t, double* out, Py_ssize_t* work
) except -1 nogil:
    # The same for the inputs that `_tiny_moves` skips: |s| > limit.
    cdef Py_ssize_t i, u
    cdef double s
    for i in range(I):
        s = h * x[i]
        if fabs(s) <= layer.limit:
            continue
        _listen(work, layer.U * t.C * LARGER)
        for u in range(layer.U):
            out[i * layer.U + u] += t.weight * (
                _gain(layer, u, t, _move(layer, u, s)) - _gain(layer, u, t, _move(layer, u, -s))
            )
    return 0


# ---- The layers, and the batch

cdef int _layer(
    const double* x, Py_ssize_t I, double h, const Layer* layer, const Target* t, double* dW, double* db,
    Py_ssize_t* work,
) except -1 nogil:
    # Add t[n,c] (gain(+h) - gain(-h)) of one sample and one class c to dW (I, U) and db (U,).
    cdef Py_ssize_t p
    cdef double one = 1.0, sign = t.weight, powers = 0.0
    cdef double q = LOSS_EPS / (t.y[t.c] + LOSS_EPS)
    cdef double[5] f

    # log(1 + G) - log(1 + q G) = (1 - q) G - (1 - q^2) G^2 / 2 + ..., with 1 - q^p = (1 - q) (1 + q + ... + q^(p-1))
    for p in range(5):
        powers = powers * q + 1.0
        f[p] = sign * t.y[t.c] / (t.y[t.c] + LOSS_EPS) * powers / (p + 1)
        sign = -sign
    _series(t.y, layer.reach, t.C, layer.U, t.c, layer.g)
    _tiny_moves(x, I, h, layer, f, dW)
    _tiny_moves(&one, 1, h, layer, f, db)
    _larger_moves(x, I, h, layer, t, dW, work)
    return _larger_moves(&one, 1, h, layer, t, db, work)


def two_layer_differences(
    ndarray x: FloatArray, t: FloatArray | IntArray, ndarray W1: FloatArray, ndarray b1: FloatArray,
    ndarray W2: FloatArray, ndarray b2: FloatArray, double h: float, weights: FloatArray | None = None, /,
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray] | None:
    """Return the central differences of the loss with respect to W1, b1, W2 and b2, or None if a number is not finite.

    x (N, D), W1 (D, H), b1 (H,), W2 (H, C), b2 (C,) are float64; t is (N,) labels, intp, or (N, C) targets, float64.
    The weights of the samples are (N,), float64, above 0, or None: the loss is linear in t, so they multiply t. The
    result is also None if the absolute value of a number is 1e50 or more.
    """
    for array in (x, t, W1, b1, W2, b2):
        if not (-HUGE < array.min() and array.max() < HUGE):
            return None
    cdef Py_ssize_t n, c, work = 0, N = x.shape[0], D = x.shape[1], H = W2.shape[0], C = W2.shape[1]
    t = one_hot(t, C)
    if weights is not None:
        t = t * relative(weights)[:, np.newaxis]
    cdef ndarray dW1 = np.zeros((D, H)), db1 = np.zeros(H), dW2 = np.zeros((H, C)), db2 = np.zeros(C)
    cdef ndarray reach1 = W2.T.copy(), reach2 = np.eye(C), spread1 = np.ptp(W2, axis=1), spread2 = np.ones(C)
    cdef ndarray memory = np.empty(8 * H + 9 * C)
    cdef double* units = doubles(memory)
    cdef double* logits = units + 8 * H
    cdef Layer hidden = Layer(
        H, True, doubles(reach1), doubles(spread1), units, units + H, units + 2 * H, units + 3 * H, 0.0
    )
    cdef Layer output = Layer(
        C, False, doubles(reach2), doubles(spread2), logits, logits + C, logits + 2 * C, logits + 3 * C, TINY
    )
    cdef Target target = Target(C, 0, 0.0, output.a, logits + 8 * C)
    cdef const double* inputs = doubles(x)
    cdef const double* targets = doubles(t)
    cdef const double* of_W1 = doubles(W1)
    cdef const double* of_b1 = doubles(b1)
    cdef const double* of_W2 = doubles(W2)
    cdef const double* of_b2 = doubles(b2)
    cdef double* to_dW1 = doubles(dW1)
    cdef double* to_db1 = doubles(db1)
    cdef double* to_dW2 = doubles(dW2)
    cdef double* to_db2 = doubles(db2)
    for c in range(C):
        output.z[c], output.slope[c] = 0.0, 1.0
    with nogil:
        for n in range(N):
            _listen(&work, (D + C) * H)
            _affine(inputs + n * D, of_W1, of_b1, D, H, hidden.a)
            _activate(hidden.a, hidden.z, hidden.slope, H)
            hidden.limit = _largest_tiny_move(&hidden)
            _affine(hidden.z, of_W2, of_b2, H, C, output.a)
            _softmax(output.a, target.y, C)
            for c in range(C):
                target.c = c
                target.weight = targets[n * C + c]
                if target.weight != 0:
                    _listen(&work, (D + C) * H)
                    _layer(inputs + n * D, D, h, &hidden, &target, to_dW1, to_db1, &work)
                    _layer(hidden.z, H, h, &output, &target, to_dW2, to_db2, &work)

    gradients = dW1, db1, dW2, db2
    for gradient in gradients:
        gradient /= 2.0 * h * N
    return gradients
