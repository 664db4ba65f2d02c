"""The activations and outputs of a network's layers by name, and the activations of one number, for loops that the
compiler turns into vector instructions.

`low` is `lowest(...)`, for elu and tanh `lowest_expm1(...)`, and has to reach the loop as a variable.
"""

cimport cython
from cython cimport floating

from fastnet._vector_math cimport copy_sign, exp_negative, expm1_negative, minus_abs


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
    IDENTITY_OUTPUT


cdef inline int activation_called(str name) except -1:
    return {
        "identity": IDENTITY, "relu": RELU, "leaky_relu": LEAKY_RELU, "elu": ELU, "sigmoid": SIGMOID, "tanh": TANH,
    }[name]


cdef inline int output_called(str name) except -1:
    return {"softmax": SOFTMAX, "sigmoid": SIGMOID_OUTPUT, "identity": IDENTITY_OUTPUT}[name]


cdef inline floating relu(floating a) noexcept nogil:
    return <floating> 0.0 if a < 0 else a


cdef inline floating leaky_relu_slope(floating a) noexcept nogil:
    return <floating> 0.1 if a < 0 else <floating> 1.0


cdef inline floating leaky_relu(floating a) noexcept nogil:
    return a * leaky_relu_slope(a)


cdef inline floating elu(floating a, floating low) noexcept nogil:
    cdef floating negative = a if a < 0 else <floating> 0.0
    return expm1_negative(low if negative < low else negative) if a < 0 else a


@cython.cdivision(True)
cdef inline floating sigmoid(floating a, floating low) noexcept nogil:
    cdef floating negative = minus_abs(a)
    cdef floating e = exp_negative(low if negative < low else negative, <floating> -0.0)
    return (e if a < 0 else <floating> 1.0) / (<floating> 1.0 + e)


@cython.cdivision(True)
cdef inline floating tanh(floating a, floating low) noexcept nogil:
    cdef floating negative = minus_abs(a) * <floating> 2.0
    cdef floating e = expm1_negative(low if negative < low else negative)
    return copy_sign(e / (<floating> 2.0 + e), a)
