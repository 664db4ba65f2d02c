"""The functions of the book and of the lecture notes: activations, outputs and losses.

Every function takes scalars, lists, and arrays of any strides, byte order and alignment. It does not modify them. It
returns a new C-contiguous array, or a NumPy scalar where the result has no dimension. float64 and float32 keep their
dtype, float16 is computed in float32 and returned as float16, and bool and integers become float64. Any other dtype
raises `TypeError`. NaN propagates, ±inf gives the limit, and an empty array gives an empty result.

The functions of each element also take `out`, an array for the result, by the rules of NumPy's functions: the shape of
`x` broadcasts to that of `out`, and the result is cast to its dtype within one kind, so float64 to float32, but not to
integers. `out` is returned. It may share memory with `x`, also a part of it: the result is the same as without `out`.
The result is computed one block at a time, so there is no other large array.

The losses take their targets `t` in two forms and check for them in this order. A `t` with the shape of `y` holds
one-hot rows or probabilities. A `t` of integers with shape ``(N,)`` or ``(N, 1)``, or one integer for one sample, holds
labels in ``[0, C)``. Anything else raises `ValueError`. N is the number of samples and C the number of classes.
(`binary_cross_entropy` has two classes in one column, so there a label is 0 or 1.)
"""

import numpy as np

from fastnet.functions import activations, losses
from fastnet.functions.activations import *  # noqa: F403
from fastnet.functions.losses import *  # noqa: F403

# The book's `from common.functions import *` also gives np.
__all__ = ["np", *activations.__all__, *losses.__all__]
