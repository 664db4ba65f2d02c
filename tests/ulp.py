"""How many units in the last place a result is off, against mpmath.

An error is measured in ULP, units in the last place. The unit is the spacing of the floats of the dtype at the exact
value v: 2^(e - p + 1) for 2^e <= |v| < 2^(e + 1), where p is the dtype's precision (53 or 24 bits), and the smallest
subnormal number wherever that is larger. A correctly rounded result is at most 0.5 ULP off.
"""

import mpmath
import numpy as np

BITS = 200


def spacing(exact, dtype):
    """The unit in the last place of `dtype` at the exact value."""
    info = np.finfo(dtype)
    least = info.minexp - info.nmant  # the exponent of the smallest subnormal number
    return mpmath.ldexp(1, max(mpmath.frexp(exact)[1] - 1 - info.nmant, least) if exact else least)


def ulps(computed, exact):
    """The largest error among `computed`, whose exact values are `exact`."""
    with mpmath.workprec(BITS):
        return max(
            float(abs(mpmath.mpf(float(value)) - v) / spacing(v, computed.dtype))
            for value, v in zip(computed.ravel(), exact, strict=True)
        )
