"""exp and log for loops that the compiler turns into vector instructions: `formulas.pxd` and the kernels use them.

It has no NumPy twin: there `np.exp` and `np.log` do this work. A call of libm's exp or log computes one value, so the
compiler cannot vectorise a loop that calls them. The functions here are inline arithmetic without branches, so that the
compiler computes 4, 8 or 16 values at once.

Every constant is the double or float nearest to what its name or comment says. The polynomials are minimax fits.
"""

cimport cython
from cython cimport floating
from libc.math cimport INFINITY, NAN, copysign, copysignf
from libc.stdint cimport uint32_t, uint64_t


cdef extern from *:
    """
    static CYTHON_INLINE uint64_t bits_of_double(double x) { uint64_t bits; memcpy(&bits, &x, sizeof x); return bits; }
    static CYTHON_INLINE double double_of_bits(uint64_t bits) { double x; memcpy(&x, &bits, sizeof x); return x; }
    static CYTHON_INLINE uint32_t bits_of_float(float x) { uint32_t bits; memcpy(&bits, &x, sizeof x); return bits; }
    static CYTHON_INLINE float float_of_bits(uint32_t bits) { float x; memcpy(&x, &bits, sizeof x); return x; }

    /* Bounds of arguments, for double and for float. A loop reads its bound once, before it begins. `volatile` hides
       from the compiler that the bound is a constant: with a constant it would split the loop. */
    static const volatile double lowest_[] = {-800.0, -126.0}, lowest_expm1_[] = {-40.0, -20.0};
    static const volatile double lowest_normal_[] = {-700.0, -87.0}, highest_tanh_[] = {20.0, 9.5};

    /* The index of the lowest bit that is 1; bits is not 0. */
    #if defined(_MSC_VER)
    #include <intrin.h>
    static CYTHON_INLINE int lowest_bit(uint32_t bits) { unsigned long i; _BitScanForward(&i, bits); return (int) i; }
    #else
    static CYTHON_INLINE int lowest_bit(uint32_t bits) { return __builtin_ctz(bits); }
    #endif
    """
    uint64_t bits_of_double(double) noexcept nogil
    double double_of_bits(uint64_t) noexcept nogil
    uint32_t bits_of_float(float) noexcept nogil
    float float_of_bits(uint32_t) noexcept nogil
    int lowest_bit(uint32_t) noexcept nogil
    const double* lowest_
    const double* lowest_expm1_
    const double* lowest_normal_
    const double* highest_tanh_


cdef inline floating minus_abs(floating x) noexcept nogil:
    """-|x|: the sign bit set."""
    if floating is double:
        return double_of_bits(bits_of_double(x) | <uint64_t> 0x8000000000000000)
    else:
        return float_of_bits(bits_of_float(x) | <uint32_t> 0x80000000)


cdef inline floating copy_sign(floating magnitude, floating x) noexcept nogil:
    """The magnitude with the sign of x."""
    if floating is double:
        return copysign(magnitude, x)
    else:
        return copysignf(magnitude, x)


cdef inline floating lowest(floating like) noexcept nogil:
    """Clamp the arguments of `exp_negative` to at least this. Its exp is 0 by a wide margin."""
    return <floating> lowest_[sizeof(floating) == sizeof(float)]


cdef inline floating exp_beyond_linear(floating r) noexcept nogil:
    """(exp(r) - 1 - r) / r^2 for |r| <= ln 2 / 2."""
    cdef floating p
    if floating is double:
        p = 2.500006162553128e-08
        p = p * r + 2.763024838532302e-07
        p = p * r + 2.755758637378518e-06
        p = p * r + 2.480149309888739e-05
        p = p * r + 0.00019841269506578723
        p = p * r + 0.0013888888943630134
        p = p * r + 0.008333333333494461
        p = p * r + 0.041666666666530155
        p = p * r + 0.16666666666666413
        return p * r + 0.5000000000000011
    else:
        p = <float> 0.001381459878757596
        p = p * r + <float> 0.008368716575205326
        p = p * r + <float> 0.04166838899254799
        p = p * r + <float> 0.1666652113199234
        return p * r + <float> 0.4999999403953552


cdef inline floating exp_scaled(floating x, floating lost, floating rounder, floating scale) noexcept nogil:
    """exp(x + lost), where `lost` is the rounding error of x.

    x + lost = n ln 2 + r with an integer n and |r| <= ln 2 / 2. The result is 2^n exp(r); exp(r) is a polynomial.
    `rounder` is so large that its last bit has the value 1. Adding it rounds x / ln 2 to the integer n, and leaves n in
    the low bits of the sum. A shift moves these bits to the exponent field: this makes 2^n. But 2^n may overflow or
    underflow where the result does not. So `rounder` also adds a constant to n, and `scale` takes it back: the
    multiplication by `scale` rounds once.
    """
    cdef floating sum, n, r
    if floating is double:
        sum = x * 1.4426950408889634 + rounder  # 1 / ln 2
        n = sum - rounder
        r = x - n * 0.6931471805598903  # ln 2 in two parts. The first has 42 bits: its product with n is exact
        r = r - n * 5.497923018708371e-14 + lost
        return (exp_beyond_linear(r) * r * r + r + 1.0) * double_of_bits(bits_of_double(sum) << 52) * scale
    else:
        sum = x * <float> 1.4426950408889634 + rounder
        n = sum - rounder
        r = x - n * <float> 0.693145751953125
        r = r - n * <float> 1.428606765330187e-06 + lost
        return (
            (exp_beyond_linear(r) * r * r + r + <float> 1.0) * float_of_bits(bits_of_float(sum) << 23) * scale
        )


cdef inline floating exp_negative(floating x, floating lost) noexcept nogil:
    """exp(x + lost) for lowest <= x <= 0; the result may be subnormal."""
    if floating is double:
        return exp_scaled(x, lost, 6755399441057367.0, 2.409919865102884e-181)  # 1.5 * 2^52 + 1023 + 600; 2^-600
    else:
        return exp_scaled(x, lost, <float> 12583103.0, <float> 5.421010862427522e-20)  # 1.5 * 2^23 + 127 + 64; 2^-64


cdef inline floating exp_negative_times(floating x, floating factor) noexcept nogil:
    """factor exp(x) for lowest <= x <= 0 and a factor of 0 or from 1e-9 to 1e9. Rounded once, also if subnormal."""
    if floating is double:
        return exp_scaled(x, <double> -0.0, 6755399441057367.0, factor * 2.409919865102884e-181)  # as above
    else:
        return exp_scaled(x, <float> -0.0, <float> 12583103.0, factor * <float> 5.421010862427522e-20)


cdef inline floating lowest_expm1(floating like) noexcept nogil:
    """Clamp the arguments of `expm1_negative` to at least this. There exp(x) - 1 rounds to -1."""
    return <floating> lowest_expm1_[sizeof(floating) == sizeof(float)]


cdef inline floating expm1_negative(floating x) noexcept nogil:
    """exp(x) - 1 for lowest_expm1 <= x <= 0, precise also near 0."""
    cdef floating e
    return expm1_and_exp(x, &e)


cdef inline floating highest_tanh(floating like) noexcept nogil:
    """Clamp the |x| of `formulas.tanh` to at most this. There tanh(x) rounds to 1."""
    return <floating> highest_tanh_[sizeof(floating) == sizeof(float)]


cdef inline floating lowest_normal(floating like) noexcept nogil:
    """Clamp the arguments of `expm1_and_exp` to at least this. There exp(x) is almost 0, but not subnormal."""
    return <floating> lowest_normal_[sizeof(floating) == sizeof(float)]


cdef inline floating expm1_and_exp(floating x, floating* e) noexcept nogil:
    """Return exp(x) - 1 and set e = exp(x), for lowest_normal <= x <= 0.

    Both are precise. Computing either from the other would lose digits: exp(x) - 1 near 0, exp(x) for large -x.

    As in `exp_scaled`, exp(x) = 2^n (1 + r + r^2 p), so exp(x) - 1 = 2^n (r + r^2 p) + (2^n - 1). Near 0, n is 0: the
    second term vanishes, and no digits cancel.
    """
    cdef floating sum, n, r, power, part
    if floating is double:
        sum = x * 1.4426950408889634 + 6755399441056767.0  # 1.5 * 2^52 + 1023
        n = sum - 6755399441056767.0
        r = x - n * 0.6931471805598903
        r = r - n * 5.497923018708371e-14
        power = double_of_bits(bits_of_double(sum) << 52)
    else:
        sum = x * <float> 1.4426950408889634 + <float> 12583039.0  # 1.5 * 2^23 + 127
        n = sum - <float> 12583039.0
        r = x - n * <float> 0.693145751953125
        r = r - n * <float> 1.428606765330187e-06
        power = float_of_bits(bits_of_float(sum) << 23)
    part = (exp_beyond_linear(r) * r * r + r) * power
    e[0] = part + power
    return part + (power - <floating> 1.0)


@cython.cdivision(True)  # no check for a zero divisor, which would be a branch
cdef inline double log_any(double x) noexcept nogil:
    """log(x) for any x.

    x = 2^n m with sqrt(1/2) < m <= sqrt(2). Let f = m - 1 and s = f / (2 + f). Then

        log(m) = log((1 + s) / (1 - s)) = 2 s + s^3 P(s^2) = f - (f^2 / 2 - s (f^2 / 2 + s^2 P)).

    The last form is evaluated, because f is exact.
    """
    cdef double y, n, m, f, s, z, p, half
    cdef bint subnormal, upper
    subnormal = x < 2.2250738585072014e-308  # 2^-1022
    y = x * 18014398509481984.0 if subnormal else x  # 2^54
    n = double_of_bits((bits_of_double(y) >> 52) | <uint64_t> 0x4330000000000000) - 4503599627371519.0  # 2^52 + 1023
    n = n - 54.0 if subnormal else n
    m = double_of_bits((bits_of_double(y) & <uint64_t> 0x000FFFFFFFFFFFFF) | <uint64_t> 0x3FF0000000000000)
    upper = m > 1.4142135623730951
    m = m * 0.5 if upper else m
    n = n + 1.0 if upper else n
    f = m - 1.0
    s = f / (2.0 + f)
    z = s * s
    p = 0.14796261382999656
    p = p * z + 0.15314021086040608
    p = p * z + 0.1818356540907182
    p = p * z + 0.22222198553736855
    p = p * z + 0.285714287425628
    p = p * z + 0.3999999999941396
    p = p * z + 0.6666666666666734
    half = 0.5 * f * f
    p = n * 0.6931471805598903 - ((half - (s * (half + z * p) + n * 5.497923018708371e-14)) - f)
    p = x if x == INFINITY else p
    p = -INFINITY if x == 0 else p
    return p if x >= 0 else NAN  # also for x = NaN


cdef inline double log_plus_one(double x) noexcept nogil:
    """log(1 + x) for x >= 0, with the digits of a small x."""
    cdef double sum = 1.0 + x
    return log_any(sum) + (x - (sum - 1.0)) / sum
