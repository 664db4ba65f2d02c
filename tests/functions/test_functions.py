"""What holds for every function: dtypes, layouts, and what is refused; on both backends."""

from math import inf

import cases
import numpy as np
import pytest
from helpers import each
from hostile import HOSTILE, INTEGERS, REFUSED, snapshot

from fastnet.functions import (
    softmax,
    step_function,
    sum_squared_error,
)

pytestmark = pytest.mark.usefixtures("backend")

ACTIVATIONS = [*(case.public for case in cases.ELEMENTWISE), softmax]
LOSSES = [function.public for function in cases.FUNCTIONS if function.is_loss]
OF_SCORES = [function.public for function in cases.FUNCTIONS if function.is_loss and function.argument == "x"]


# --- dtypes ----------------------------------------------------------------------------------------------------------


def call(function, x):
    """The function of `x`, with one label for each row where it takes targets."""
    return function(x, np.zeros(len(x), int)) if function in LOSSES else function(x)


@each("function", ACTIVATIONS + LOSSES)
@pytest.mark.parametrize("dtype", ["<f2", ">f2", "<f4", ">f4", "<f8", ">f8"])
def test_floats_keep_their_dtype_in_native_order(function, dtype):
    result = call(function, np.array([[0.5, 1.0]], dtype))
    assert result.dtype == (np.int64 if function is step_function else np.dtype(dtype).newbyteorder("="))
    assert result.dtype.isnative


@each("function", ACTIVATIONS + LOSSES)
@each("dtype", INTEGERS)
def test_bool_and_integers_become_float64(function, dtype):
    result = call(function, np.array([[0, 1]], dtype))
    assert result.dtype == (np.int64 if function is step_function else np.float64)
    assert np.array_equal(result, call(function, [[0.0, 1.0]]))


@each("function", ACTIVATIONS + LOSSES)
def test_float16_is_float32_rounded_once(function):
    x = np.array([[0.1, 0.7, 0.2], [0.9, 0.05, 0.05]], np.float16)
    t = [1, 0]
    wide = x.astype(np.float32)
    result = function(x, t) if function in LOSSES else function(x)
    in_float32 = function(wide, t) if function in LOSSES else function(wide)
    assert np.array_equal(result, in_float32.astype(result.dtype))


@each("loss", LOSSES)
def test_the_dtype_of_a_loss_is_that_of_y_and_not_of_t(loss):
    y, t = np.float32([[0.25, 0.75]]), np.float64([[0, 1]])
    assert loss(y, t).dtype == np.float32
    assert loss(np.float64(y), np.float32(t)).dtype == np.float64


def test_a_loss_too_large_for_float16_is_infinite():
    assert sum_squared_error(np.float16([60000]), np.float16([0])) == np.float16(inf)


# --- what is refused, and how ----------------------------------------------------------------------------------------

DTYPES_REFUSED = {
    "complex": "complex128",
    "complex64": "complex64",
    "object": "object",
    "fraction": "object",
    "string": "<U3",
    "strings": "<U1",
    "bytes": "S1",
    "datetime": r"datetime64\[D\]",
    "none": "object",
    "dict": "object",
    "masked": "masked",
}


@each("function", ACTIVATIONS + LOSSES)
@pytest.mark.parametrize("kind", REFUSED)
def test_other_types_raise_and_the_message_names_argument_and_dtype(function, kind):
    name = "y" if function in LOSSES and function not in OF_SCORES else "x"
    arguments = (REFUSED[kind](), 0) if function in LOSSES else (REFUSED[kind](),)
    with pytest.raises(TypeError, match=rf"\b{name}\b.*{DTYPES_REFUSED.get(kind, '')}"):
        function(*arguments)


@each("loss", LOSSES)
@pytest.mark.parametrize("kind", REFUSED)
def test_other_types_of_targets_raise_and_the_message_names_t(loss, kind):
    with pytest.raises(TypeError, match=rf"\bt\b.*{DTYPES_REFUSED.get(kind, '')}"):
        loss([[0.5, 0.5]], REFUSED[kind]())


@each("function", ACTIVATIONS)
def test_ragged_lists_raise_value_error_naming_x(function):
    with pytest.raises(ValueError, match=r"\bx\b"):
        function([[1.0, 2.0], [3.0]])


# --- layouts and memory ----------------------------------------------------------------------------------------------


@each("function", ACTIVATIONS)
@pytest.mark.parametrize("build", HOSTILE.values(), ids=HOSTILE)
def test_the_layout_of_x_makes_no_difference_and_x_none_to_it(function, build):
    x = build()
    before = snapshot(x)
    result = function(x)
    assert snapshot(x) == before

    plain = np.array(x, order="C").astype(np.asarray(x).dtype.newbyteorder("="))
    assert np.array_equal(result, function(plain), equal_nan=True)
    assert result.shape == plain.shape
    if plain.ndim == 0:
        assert isinstance(result, np.generic)
    else:
        assert result.flags.c_contiguous
        assert result.flags.writeable
        assert not np.may_share_memory(result, x)
