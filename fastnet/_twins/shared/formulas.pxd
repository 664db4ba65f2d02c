"""Each formula once, for one number: the compiled loops call these functions. The twin is `formulas_numpy.py`.

The functions have no branches, only selections between two values: so the compiler can turn a loop that calls them into
vector instructions. Some clamp their argument to a bound, `low` or `high`. The docstring says which function of
`vector_math.pxd` returns the bound. The caller reads it once, before the loop.
"""

from cython cimport floating

from fastnet._twins.shared.vector_math cimport (
    copy_sign,
    exp_negative,
    exp_negative_times,
    expm1_and_exp,
    expm1_negative,
    log_any,
    minus_abs,
)


cdef extern from *:
    """
    #define FASTNET_LOSS_EPS 1e-7
    #define FASTNET_SLOPE 0.1
    """
    const double LOSS_EPS "FASTNET_LOSS_EPS"  # the book's: a loss takes log(y + LOSS_EPS)
    const double SLOPE "FASTNET_SLOPE"  # the default slope of leaky_relu for x < 0


cdef enum Activation:
    IDENTITY
    RELU
    LEAKY_RELU
    ELU
    SIGMOID
    TANH


cdef enum Output:
    SOFTMAX
    SIGMOID_OUTPUT
    SIGMOID_MSE_OUTPUT
    IDENTITY_OUTPUT


cdef inline int activation_called(str name) except -1:
    return {
        "identity": IDENTITY, "relu": RELU, "leaky_relu": LEAKY_RELU, "elu": ELU, "sigmoid": SIGMOID, "tanh": TANH,
    }[name]


cdef inline int output_called(str name) except -1:
    return {
        "softmax": SOFTMAX, "sigmoid": SIGMOID_OUTPUT, "sigmoid_mse": SIGMOID_MSE_OUTPUT, "identity": IDENTITY_OUTPUT,
    }[name]


cdef inline double mean_divisor(int output, double N, double C) noexcept nogil:
    """The divisor of the mean in the derivative of the loss with respect to the last a. N samples, C outputs."""
    if output == SOFTMAX:
        return N
    return N * C if output == SIGMOID_OUTPUT else N * C / 2


# ---- Activations and their slopes

cdef inline floating exp_clamped(floating x, floating low) noexcept nogil:
    """exp(x) for x <= 0; low = lowest."""
    return exp_negative(low if x < low else x, <floating> -0.0)


cdef inline floating sigmoid(floating x, floating low) noexcept nogil:
    """1 / (1 + exp(-x)); low = lowest."""
    # exp(-|x|) cannot overflow. Neither case computes 1 - s, so both are precise to the last digits.
    cdef floating e = exp_clamped(minus_abs(x), low)
    return (e if x < 0 else <floating> 1.0) / (<floating> 1.0 + e)


cdef inline floating sigmoid_slope(floating x, floating low) noexcept nogil:
    """s (1 - s) with s = sigmoid(x); low = lowest."""
    # Equal to e / (1 + e)^2 with e = exp(-|x|), which is also precise where s is close to 1.
    cdef floating e = exp_clamped(minus_abs(x), low)
    return e / ((<floating> 1.0 + e) * (<floating> 1.0 + e))


cdef inline floating sigmoid_and_slope(floating x, floating low, floating* slope) noexcept nogil:
    """sigmoid(x) and its slope, from one exponential and one division; low = lowest."""
    cdef floating e = exp_clamped(minus_abs(x), low)
    cdef floating r = <floating> 1.0 / (<floating> 1.0 + e)
    slope[0] = e * r * r
    return (e if x < 0 else <floating> 1.0) * r


cdef inline floating tanh(floating x, floating high) noexcept nogil:
    """The hyperbolic tangent; high = highest_tanh.

    double: -e / (2 + e) with e = exp(-2 |x|) - 1. Both e and the quotient are precise near 0.

    float needs no exponential: tanh(x) = n / (n + (1 + d)^2) for any n and d with n / (1 + d)^2 = (exp(2 x) - 1) / 2.
    Here n and d are polynomials: n begins with x, and d has no constant term. Their coefficients minimise the relative
    error of the quotient, 1e-8, up to `high`, where tanh rounds to 1 in float. (Beyond it, at 9.78, 1 + d is 0.)
    The quotient never exceeds 1. The closer it is to 1, the less the rounding of n and d matters. Near 0 the rounding
    of d (d + 2) matters most, so 1 is added last.
    """
    cdef floating a = abs(x), e, n, d
    a = high if a > high else a
    if floating is double:
        e = expm1_negative(a * -2.0)
        return copy_sign(-e / (2.0 + e), x)
    else:
        n = <float> 0.0031622806563973427
        n = n * a + <float> 0.002814073348417878
        n = n * a + <float> 0.13198824226856232
        n = n * a + <float> 0.027764594182372093
        n = n * (a * a) + a
        d = <float> -1.558239273435902e-05
        d = d * a + <float> 0.0006406155880540609
        d = d * a + <float> -0.011050277389585972
        d = d * a + <float> 0.1006244644522667
        d = d * a + <float> -0.48611778020858765
        d = d * a
        return copy_sign(n / (d * (d + <float> 2.0) + n + <float> 1.0), x)


cdef inline floating tanh_slope(floating x, floating low) noexcept nogil:
    """1 - tanh(x)^2; low = lowest."""
    # Equal to 4 e / (1 + e)^2 with e = exp(-2 |x|), which is also precise where tanh is close to 1.
    cdef floating a = <floating> 2.0 * minus_abs(x)
    cdef floating e4 = exp_negative_times(low if a < low else a, <floating> 4.0)
    cdef floating e1 = e4 * <floating> 0.25 + <floating> 1.0
    return e4 / (e1 * e1)


cdef inline floating tanh_and_slope(floating x, floating low, floating* slope) noexcept nogil:
    """Both from one exponential and one division; low = lowest_normal. `_activate` in dense_network.pyx says why."""
    # With e = exp(-2 |x|) - 1: |tanh| = -e / (2 + e), and the slope is 4 exp(-2 |x|) / (2 + e)^2.
    cdef floating a = minus_abs(x) * <floating> 2.0
    cdef floating power
    cdef floating e = expm1_and_exp(low if a < low else a, &power)
    cdef floating r = <floating> 1.0 / (<floating> 2.0 + e)
    slope[0] = <floating> 0.0 if a < low else <floating> 4.0 * power * r * r
    return copy_sign(e * r, x)


cdef inline floating relu(floating x) noexcept nogil:
    """max(0, x)"""
    return <floating> 0.0 if x <= 0 else x  # NaN stays NaN


cdef inline floating relu_slope(floating x) noexcept nogil:
    """1 above 0, and 0 at 0, as in the book's layer. (The book's `relu_grad` is 1 there.)"""
    return <floating> 1.0 if x > 0 else <floating> 0.0


cdef inline floating leaky_relu(floating x, floating slope) noexcept nogil:
    """max(slope x, x)"""
    return slope * x if x < 0 else x


cdef inline floating leaky_relu_slope(floating x, floating slope) noexcept nogil:
    """1 where x >= 0, else the slope."""
    cdef floating left = slope if x < 0 else x  # NaN stays NaN
    return <floating> 1.0 if x >= 0 else left


cdef inline floating elu(floating x, floating alpha, floating low) noexcept nogil:
    """x where x >= 0, else alpha (exp(x) - 1); low = lowest_expm1."""
    cdef floating a = <floating> 0.0 if x > 0 else x
    a = expm1_negative(low if a < low else a)
    return x if x >= 0 else alpha * a


cdef inline floating elu_slope(floating x, floating alpha, floating low) noexcept nogil:
    """1 where x >= 0, else alpha exp(x); low = lowest, and alpha is 0 or from 1e-9 to 1e9."""
    cdef floating a = <floating> 0.0 if x > 0 else x
    a = exp_negative_times(low if a < low else a, alpha)
    return <floating> 1.0 if x >= 0 else a


cdef inline floating elu_and_slope(floating x, floating low, floating* slope) noexcept nogil:
    """Both, with alpha = 1, from one exponential; low = lowest_normal. `_activate` in dense_network.pyx says why."""
    cdef floating a = x if x < 0 else <floating> 0.0
    cdef floating e = expm1_and_exp(low if a < low else a, slope)
    slope[0] = <floating> 0.0 if a < low else slope[0]
    return e if x < 0 else x


# ---- Losses

cdef inline bint is_outside(const floating* t, Py_ssize_t size) noexcept nogil:
    """Whether a target is outside [0, 1]; NaN is not. The caller is UNROLLED."""
    cdef Py_ssize_t i, k
    cdef floating lowest_t[16]
    cdef floating highest_t[16]
    for k in range(16):
        lowest_t[k] = highest_t[k] = 0
    i = 0
    while i + 16 <= size:
        for k in range(16):
            lowest_t[k] = t[i + k] if t[i + k] < lowest_t[k] else lowest_t[k]
            highest_t[k] = t[i + k] if t[i + k] > highest_t[k] else highest_t[k]
        i += 16
    for k in range(size - i):
        lowest_t[k] = t[i + k] if t[i + k] < lowest_t[k] else lowest_t[k]
        highest_t[k] = t[i + k] if t[i + k] > highest_t[k] else highest_t[k]
    for k in range(16):
        if lowest_t[k] < 0 or highest_t[k] > 1:
            return True
    return False


cdef inline double cross_entropy_term(double t, double p) noexcept nogil:
    """t log(p) with p = y + eps; 0 where t and p are both 0."""
    return t * log_any(1.0 if (p == 0) & (t == 0) else p)
