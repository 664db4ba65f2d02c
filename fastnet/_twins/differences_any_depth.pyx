"""Central differences of the loss of a network of any depth, compiled. The twin is `differences_any_depth_numpy.py`.

Every parameter moves by +h and by -h. Each time, only the values that depend on the parameter are computed again.

    a1 = x W1 + b1,  z1 = f(a1),  a2 = z1 W2 + b2,  z2 = f(a2),  ...,  loss = mean_n l(aL[n], t[n])

Take one sample, and in layer l a weight from input i to unit j. If the input z[i] is 0, nothing moves. Otherwise a[j]
moves by h z[i]. Of the layer's outputs only z[j] moves, by some m. In the next layer every a[k] moves by m W[j,k]: this
needs no matrix product. Only the layers after it need one. So

- there is no product for the first layer, which has most of the weights, and none for the second;
- where relu keeps the unit at 0, m is 0, and the loss does not change;
- kinks and large moves need no special case, because the functions themselves are evaluated, not a series.

The loss is rounded as in the plain loop, so the result agrees with the plain loop up to this rounding: about 1e-16 of
the loss, divided by 2h.

LANES moves of a unit are computed at a time: the moves of HALF inputs, +h in the first half and -h in the second. Every
value of the following layers becomes a row of LANES values. A bias is the weight of an input that is always 1.

Shapes: N samples, C outputs; in functions for all layers, I inputs and U units.
"""

from cpython.exc cimport PyErr_CheckSignals

import numpy as np

from fastnet._twins.shared cimport formulas
from fastnet._twins.shared.dispatch cimport UNROLLED, VECTORISED
from fastnet._twins.shared.formulas cimport (
    ELU, LEAKY_RELU, LOSS_EPS, RELU, SIGMOID, SIGMOID_MSE_OUTPUT, SIGMOID_OUTPUT, SLOPE, SOFTMAX, TANH,
    activation_called, cross_entropy_term, exp_clamped, output_called,
)
from fastnet._twins.shared.memory cimport address, doubles, import_array, ndarray
from fastnet._twins.shared.sources cimport FASTNET_FINGERPRINT
from fastnet._twins.shared.vector_math cimport highest_tanh, lowest, lowest_expm1

from fastnet._twins.differences_any_depth_numpy import _divided, _forward
from fastnet._twins.shared.formulas_numpy import relative

__all__ = ["layer_differences"]

import_array()

fingerprint = FASTNET_FINGERPRINT

cdef enum:
    LANES = 32  # moves that are computed at a time
    HALF = 16  # half of the LANES
    UNITS = 4  # units that a product computes at a time

# One layer, with the values of one sample.
cdef struct Layer:
    Py_ssize_t U
    Py_ssize_t stride  # U, rounded up to a multiple of UNITS: columns past U are padding
    const double* W    # (I, stride)
    const double* b    # (stride,)
    const double* a    # (U,)
    const double* z    # (U,)
    double* rows       # (stride, LANES): holds a, then z, of all moves


# ---- Forward, all moves at a time

cdef VECTORISED _activate(double* a, Py_ssize_t size, int activation) noexcept nogil:
    # a = f(a)
    cdef Py_ssize_t i
    cdef double low = lowest[double](0), low_expm1 = lowest_expm1[double](0), high = highest_tanh[double](0)
    if activation == RELU:
        for i in range(size):
            a[i] = formulas.relu(a[i])
    elif activation == LEAKY_RELU:
        for i in range(size):
            a[i] = formulas.leaky_relu(a[i], SLOPE)
    elif activation == ELU:
        for i in range(size):
            a[i] = formulas.elu(a[i], 1.0, low_expm1)
    elif activation == SIGMOID:
        for i in range(size):
            a[i] = formulas.sigmoid(a[i], low)
    elif activation == TANH:
        for i in range(size):
            a[i] = formulas.tanh(a[i], high)


cdef UNROLLED _spread_move(
    const double* m, const double* a, const double* w, Py_ssize_t U, double* rows
) noexcept nogil:
    # rows[u] = a[u] + m w[u]
    cdef Py_ssize_t u, lane
    for u in range(U):
        for lane in range(LANES):
            rows[u * LANES + lane] = a[u] + m[lane] * w[u]


cdef UNROLLED _affine(
    const double* z, const Py_ssize_t* used, Py_ssize_t count, const Layer* layer
) noexcept nogil:
    # rows[u] = b[u] + sum_i z[i] W[i,u], over the inputs i in `used`
    cdef Py_ssize_t u, e, k, lane
    cdef double s[UNITS][LANES]
    cdef const double* w
    cdef const double* v
    cdef double* row
    for u from 0 <= u < layer.stride by UNITS:
        for k in range(UNITS):
            for lane in range(LANES):
                s[k][lane] = layer.b[u + k]
        for e in range(count):
            v = z + used[e] * LANES
            w = layer.W + used[e] * layer.stride + u
            for k in range(UNITS):
                for lane in range(LANES):
                    s[k][lane] += w[k] * v[lane]
        for k in range(UNITS):
            row = layer.rows + (u + k) * LANES
            for lane in range(LANES):
                row[lane] = s[k][lane]


cdef UNROLLED _list_used(const double* z, Py_ssize_t I, Py_ssize_t* used, Py_ssize_t* count) noexcept nogil:
    # List the inputs that are not 0 in every move. After relu these are about half of all.
    cdef Py_ssize_t i, lane
    cdef double largest
    count[0] = 0
    for i in range(I):
        largest = 0
        for lane in range(LANES):
            largest += z[i * LANES + lane] * z[i * LANES + lane]
        used[count[0]] = i
        count[0] += largest != 0


# ---- The losses of one sample. The mean over the N samples is taken at the end.

cdef UNROLLED _cross_entropy(double* a, const double* t, Py_ssize_t C, double* loss) noexcept nogil:
    # Softmax, then cross-entropy. The softmax of softmax.pyx reads rows; here each of the LANES columns is one softmax.
    cdef Py_ssize_t c, lane
    cdef double low = lowest[double](0)
    cdef double largest[LANES]
    cdef double total[LANES]
    for lane in range(LANES):
        largest[lane] = a[lane]
        total[lane] = 0
        loss[lane] = 0
    for c in range(1, C):
        for lane in range(LANES):
            largest[lane] = a[c * LANES + lane] if a[c * LANES + lane] > largest[lane] else largest[lane]
    for c in range(C):
        for lane in range(LANES):
            a[c * LANES + lane] = exp_clamped(a[c * LANES + lane] - largest[lane], low)
            total[lane] += a[c * LANES + lane]
    for c in range(C):
        if t[c] != 0:
            for lane in range(LANES):
                loss[lane] -= cross_entropy_term(t[c], a[c * LANES + lane] / total[lane] + LOSS_EPS)


cdef UNROLLED _binary_cross_entropy(const double* a, const double* t, Py_ssize_t C, double* loss) noexcept nogil:
    cdef Py_ssize_t c, lane
    cdef double low = lowest[double](0)
    cdef double yes, no
    for lane in range(LANES):
        loss[lane] = 0
    for c in range(C):
        for lane in range(LANES):
            yes = formulas.sigmoid(a[c * LANES + lane], low)
            no = formulas.sigmoid(-a[c * LANES + lane], low)  # 1 - yes would lose digits
            loss[lane] -= (
                cross_entropy_term(t[c], yes + LOSS_EPS) + cross_entropy_term(1.0 - t[c], no + LOSS_EPS)
            )
    for lane in range(LANES):
        loss[lane] /= C


cdef UNROLLED _mean_squared_error(const double* a, const double* t, Py_ssize_t C, double* loss) noexcept nogil:
    cdef Py_ssize_t c, lane
    for lane in range(LANES):
        loss[lane] = 0
    for c in range(C):
        for lane in range(LANES):
            loss[lane] += (a[c * LANES + lane] - t[c]) * (a[c * LANES + lane] - t[c])
    for lane in range(LANES):
        loss[lane] /= C


# ---- The layers

cdef void _losses(
    const double* s, Py_ssize_t j, Layer* layer, Layer* last, const double* t, int activation, int output,
    Py_ssize_t* used, double* loss,
) noexcept nogil:
    # Compute the losses if the input of unit j moves by s (LANES,).
    cdef Py_ssize_t u, lane, count, C = last.U
    cdef double m[LANES]
    cdef bint moved = False
    if layer == last:
        for u in range(C):
            for lane in range(LANES):
                last.rows[u * LANES + lane] = layer.a[u] + (s[lane] if u == j else 0.0)
    else:
        for lane in range(LANES):
            m[lane] = layer.a[j] + s[lane]
        _activate(m, LANES, activation)
        for lane in range(LANES):
            m[lane] -= layer.z[j]
            moved |= m[lane] != 0
        if not moved:
            for lane in range(LANES):
                loss[lane] = 0
            return
        layer += 1
        _spread_move(m, layer.a, layer.W + j * layer.stride, layer.U, layer.rows)
        while layer != last:
            _activate(layer.rows, layer.U * LANES, activation)
            count = layer.U
            if activation == RELU:
                _list_used(layer.rows, layer.U, used, &count)
            _affine(layer.rows, used, count, layer + 1)
            layer += 1
    if output == SOFTMAX:
        _cross_entropy(last.rows, t, C, loss)
    elif output == SIGMOID_OUTPUT:
        _binary_cross_entropy(last.rows, t, C, loss)
    else:
        if output == SIGMOID_MSE_OUTPUT:
            _activate(last.rows, C * LANES, SIGMOID)
        _mean_squared_error(last.rows, t, C, loss)


cdef void _add_differences(
    const double* z, Py_ssize_t I, double h, Layer* layer, Layer* last, const double* t, int activation, int output,
    Py_ssize_t* used, Py_ssize_t* moving, double factor, double* out,
) noexcept nogil:
    # Add factor (loss(+h) - loss(-h)) of one sample, for all weights and biases of a layer, to out (I + 1, U).
    cdef Py_ssize_t i, j, e, first, count = 0, part
    cdef double s[LANES]
    cdef double loss[LANES]
    for i in range(I):
        if h * z[i] != 0:
            moving[count] = i
            count += 1
    moving[count] = I
    count += 1
    for first from 0 <= first < count by HALF:
        part = min(count - first, HALF)
        for e in range(HALF):
            s[e] = 0 if e >= part else h if moving[first + e] == I else h * z[moving[first + e]]
            s[HALF + e] = -s[e]
        for j in range(layer.U):
            _losses(s, j, layer, last, t, activation, output, used, loss)
            if factor != 1:  # without this condition, a network with little else to compute takes 4 % longer
                for e in range(LANES):
                    loss[e] *= factor
            for e in range(part):
                out[moving[first + e] * layer.U + j] += loss[e] - loss[HALF + e]


def layer_differences(
    ndarray x: FloatArray, t: FloatArray | IntArray, tuple parameters: tuple[FloatArray, ...], str activation: str,
    str output: str, double h: float, weights: FloatArray | None = None, /,
) -> tuple[FloatArray, ...] | None:
    """Return the central differences of the loss with respect to every parameter, or None if a number is not finite.

    x (N, D) and the parameters W1 (D, H), b1 (H,), ... are float64; t is (N,) labels, intp, or (N, C) targets, float64.
    The weights of the samples are (N,), float64, above 0, or None.
    """
    computed = _forward(x, t, parameters, activation)
    if computed is None:
        return None
    t, z, a, gradients = computed
    cdef Py_ssize_t n, l, I, N = x.shape[0], last = len(gradients) - 1
    cdef Py_ssize_t widest = max([len(gradient) for gradient in gradients])
    cdef ndarray used = np.arange(widest, dtype=np.intp), moving = np.empty(widest, np.intp)
    cdef ndarray memory = np.empty((last + 1) * sizeof(Layer), np.uint8)
    cdef Layer* layers = <Layer*> address(memory)
    padded = []  # keeps the arrays alive to which the layers point
    for l in range(last + 1):
        layers[l].U = a[l].shape[1]
        layers[l].stride = (layers[l].U + UNITS - 1) // UNITS * UNITS
        W, b = np.zeros((z[l].shape[1], layers[l].stride)), np.zeros(layers[l].stride)
        rows = np.empty((layers[l].stride, LANES))
        W[:, :layers[l].U], b[:layers[l].U] = parameters[2 * l], parameters[2 * l + 1]
        layers[l].W, layers[l].b, layers[l].rows = doubles(W), doubles(b), doubles(rows)
        padded += W, b, rows
    cdef int f = activation_called(activation), g = output_called(output)
    cdef ndarray factors = None if weights is None else relative(weights)
    cdef double factor = 1.0
    cdef Py_ssize_t* of_used = <Py_ssize_t*> address(used)
    cdef Py_ssize_t* of_moving = <Py_ssize_t*> address(moving)
    cdef const double* inputs
    cdef const double* target = doubles(t)
    cdef double* out
    for n in range(N):
        if factors is not None:
            factor = doubles(factors)[n]
        for l in range(last + 1):
            layers[l].a = doubles(a[l]) + n * layers[l].U
            layers[l].z = doubles(z[l + 1]) + n * layers[l].U
        for l in range(last + 1):
            PyErr_CheckSignals()
            I = z[l].shape[1]
            inputs, out = doubles(z[l]), doubles(gradients[l])
            with nogil:
                _add_differences(
                    inputs + n * I, I, h, layers + l, layers + last, target + n * layers[last].U, f, g,
                    of_used, of_moving, factor, out,
                )
    return _divided(gradients, 2.0 * h * N)
