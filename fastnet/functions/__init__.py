"""The functions of the book and of the lecture notes: activations, outputs and losses.

Every function takes arrays of any strides, byte order and alignment, lists and scalars, modifies none of them, and
returns a new C-contiguous array, or a NumPy scalar where the result has no dimension. float64 and float32 keep their
dtype, float16 is computed in float32 and returned as float16, bool and integers become float64; any other dtype raises
`TypeError`. NaN propagates, ±inf gives the limit, an empty array gives an empty result.

The losses take their targets `t` in two forms, recognised in this order. A `t` of the shape of `y` holds one-hot rows
or probabilities. A `t` of integers of shape ``(N,)`` or ``(N, 1)``, or one integer for one sample, holds labels in
``[0, C)``. Anything else raises `ValueError`. N is the number of samples, C of classes. (`binary_cross_entropy` has two
classes in one column, so there a label is 0 or 1.)
"""

from fastnet.functions.activations import (
    elu,
    elu_grad,
    identity_function,
    leaky_relu,
    leaky_relu_grad,
    maxout,
    maxout_grad,
    relu,
    relu_grad,
    sigmoid,
    sigmoid_grad,
    softmax,
    step_function,
    tanh,
    tanh_grad,
)
from fastnet.functions.losses import (
    binary_cross_entropy,
    cross_entropy_error,
    mean_squared_error,
    softmax_cross_entropy,
    softmax_loss,
    sum_squared_error,
)

__all__ = [
    "binary_cross_entropy",
    "cross_entropy_error",
    "elu",
    "elu_grad",
    "identity_function",
    "leaky_relu",
    "leaky_relu_grad",
    "maxout",
    "maxout_grad",
    "mean_squared_error",
    "relu",
    "relu_grad",
    "sigmoid",
    "sigmoid_grad",
    "softmax",
    "softmax_cross_entropy",
    "softmax_loss",
    "step_function",
    "sum_squared_error",
    "tanh",
    "tanh_grad",
]
