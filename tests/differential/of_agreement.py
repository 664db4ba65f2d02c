"""Where no judge knows the exact answer, or none is due: both twins agree, in value or in error.

The arrays are of any kind, and many of them are wrong. Two sums of the same products differ by their rounding alone:
at most n ε Σ|products| for n products. The same call with the absolute values of all its arrays computes this sum.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import draws
import numpy as np
from cases import FUNCTIONS
from draws import Draw
from expected import outcome, twins
from hypothesis import strategies as st

import fastnet
from fastnet import (
    LayeredTwoLayerNet,
    MultiLayerNetExtend,
    Perceptron,
    SimpleConvNet,
    functions,
    gradient,
    information,
    layers,
    optimizer,
    perceptron,
    util,
)

# What both backends promise, relative to the terms of which a result is the sum.
RTOL = {"float64": 1e-12, "float32": 1e-5, "float16": 2.0**-9}
TAME = draws.TAME
ODD_COUNTS = (0, -1, 1.0, True, None, np.int8(2), "2", 2**40)


# --- what is compared ------------------------------------------------------------------------------------------------


def on_both(call: Callable[..., Any], *arguments: Any) -> list[Any]:
    """What `call` returns on each twin. If one raises an error, the other must raise the same; then nothing is left."""
    outcomes = []
    for backend in twins():
        with fastnet.use_backend(backend):
            np.random.seed(0)
            outcomes.append(outcome(call, arguments))
    errors = {(type(each), str(each)) if isinstance(each, Exception) else None for each in outcomes}
    assert len(errors) == 1, errors
    return outcomes if errors == {None} else []


def assert_agree(found: list[Any], scales: Any = None, *, rtol: Any = RTOL) -> None:
    """Whether the arrays agree to `rtol` of the scales, one for each result. Without `scales`, they must be equal."""
    if not found:
        return
    one, other = (each if isinstance(each, tuple) else (each,) for each in (found[0], found[-1]))
    assert len(one) == len(other)
    if scales is not None and not isinstance(scales, tuple):
        scales = (scales,)
    for place, (a, b) in enumerate(zip(one, other, strict=True)):
        a, b = np.asarray(a), np.asarray(b)
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        if scales is None or a.dtype.kind != "f":
            assert np.array_equal(a, b, equal_nan=a.dtype.kind == "f"), (a, b)
            continue
        with np.errstate(all="ignore"):
            scale = np.abs(np.asarray(scales[place], float))
            close = np.abs(a.astype(float) - b.astype(float)) <= rtol[a.dtype.name] * scale + np.finfo(a.dtype).tiny
            # Where terms of the sum are infinite or NaN, their order does not matter. Where their sum overflows, it
            # does.
            alike = (np.isnan(a) & np.isnan(b)) | (a == b) | ~np.isfinite(scale.astype(a.dtype))
        assert (close | alike).all(), (a, b, scale)


def absolute(*arrays: Any) -> list[Any]:
    return [np.abs(np.asarray(each, dtype=float)) for each in arrays]


# --- layers and util -------------------------------------------------------------------------------------------------


def _run(make: Callable[[], Any], x: Any, dout: Any, names: tuple[str, ...], *flags: Any) -> tuple[Any, ...]:
    layer = make()
    out = layer.forward(x, *flags)
    dx = layer.backward(dout)
    return (out, dx, *(getattr(layer, name) for name in names))


def _size(draw: Draw, usual: tuple[int, ...] = (1, 2, 3)) -> Any:
    return draw(st.sampled_from(usual if draw(st.integers(0, 15)) else ODD_COUNTS))


def affine(draw: Draw) -> None:
    D, M = draw(st.sampled_from((1, 3, 8, 17, 0))), draw(st.sampled_from(draws.LENGTHS))
    N, inner = draw(st.sampled_from((1, 4, 9, 0))), draw(st.sampled_from(((), (2, 1), (3, 1, 1))))
    shape = (N, D) if not inner else (N, *inner, D)
    x, W, b, dout = (
        draws.anything(draw, each, kinds=TAME, special=1, wrong=16)
        for each in (shape, (int(np.prod(shape[1:])), M), (M,), (N, M))
    )

    def call(x: Any, W: Any, b: Any, dout: Any) -> Any:
        return _run(lambda: layers.Affine(W, b), x, dout, ("dW", "db"))

    found = on_both(call, x, W, b, dout)
    if found:
        with np.errstate(all="ignore"):
            assert_agree(found, call(*absolute(x, W, b, dout)))


def convolution(draw: Draw) -> None:
    N, C, FN = (draw(st.sampled_from(each)) for each in ((1, 2, 5, 0), (1, 2, 3), (1, 2, 5, 8)))
    H, width = draw(st.sampled_from((1, 3, 4, 7))), draw(st.sampled_from(draws.LENGTHS))
    FH, FW, stride, pad = (*(draw(st.sampled_from((1, 2, 3))) for _ in range(2)), _size(draw), _size(draw, (0, 1, 2)))
    x, W, b = (
        draws.anything(draw, each, kinds=TAME, special=1, wrong=16)
        for each in ((N, C, H, width), (FN, C, FH, FW), (FN,))
    )

    def call(x: Any, W: Any, b: Any, dout: Any) -> Any:
        return _run(lambda: layers.Convolution(W, b, stride, pad), x, dout, ("dW", "db"))

    out = on_both(lambda x, W, b: layers.Convolution(W, b, stride, pad).forward(x), x, W, b)
    shape = out[0].shape if out else (1, 1, 1, 1)
    dout = draws.anything(draw, shape, kinds=TAME, special=1, wrong=16)
    found = on_both(call, x, W, b, dout)
    if found:
        with np.errstate(all="ignore"):
            assert_agree(found, call(*absolute(x, W, b, dout)))


def pooling(draw: Draw) -> None:
    shape = (*(draw(st.sampled_from((1, 2, 3, 0))) for _ in range(2)), draw(st.sampled_from((3, 5, 1))),
             draw(st.sampled_from(draws.LENGTHS)))  # fmt: skip
    x = draws.anything(draw, shape)
    sizes = _size(draw), _size(draw), _size(draw), _size(draw, (0, 0, 1))

    def call(x: Any, dout: Any) -> Any:
        return _run(lambda: layers.Pooling(*sizes), x, dout, ("arg_max",))

    out = on_both(lambda x: layers.Pooling(*sizes).forward(x), x)
    assert_agree(out)
    dout = draws.anything(draw, out[0].shape if out else (1, 1, 1, 1), kinds=TAME, special=1)
    found = on_both(call, x, dout)
    if found:
        with np.errstate(all="ignore"):
            out, dx, arg_max = call(x, absolute(dout)[0])
            assert_agree(found, (out, dx, arg_max))


def relu(draw: Draw) -> None:
    shape = draws.shape(draw)
    x, dout = draws.anything(draw, shape), draws.anything(draw, shape)
    assert_agree(on_both(lambda x, dout: _run(layers.Relu, x, dout, ("mask",)), x, dout))


def sigmoid(draw: Draw) -> None:
    shape = draws.shape(draw)
    x, dout = draws.anything(draw, shape), draws.anything(draw, shape)
    found = on_both(lambda x, dout: _run(layers.Sigmoid, x, dout, ()), x, dout)
    # `backward` computes with the output of `forward`, which may have less precision than `dout`.
    if found:
        rtol = dict.fromkeys(RTOL, 8 * RTOL[found[0][0].dtype.name])
        assert_agree(found, (found[0][0], absolute(dout)[0]), rtol=rtol)


def dropout(draw: Draw) -> None:
    shape = draws.shape(draw)
    x, dout, ratio = draws.anything(draw, shape), draws.anything(draw, shape), draw(st.sampled_from((0.5, 0, 1, -1)))
    flags = draw(st.sampled_from(((), (False,))))
    assert_agree(on_both(lambda x, dout: _run(lambda: layers.Dropout(ratio), x, dout, ("mask",), *flags), x, dout))


def batch_normalization(draw: Draw) -> None:
    N, D, inner = draw(st.sampled_from((2, 5, 16, 1, 0))), draw(st.sampled_from(draws.LENGTHS)), draw(st.booleans())
    shape = (N, D, 2, 1) if inner else (N, D)
    each = int(np.prod(shape[1:]))
    usual = (draws.KINDS[0], draws.halves)
    x, gamma, beta, dout = (
        draws.anything(draw, shape, kinds=usual, special=0, wrong=16) for shape in (shape, (each,), (each,), shape)
    )
    flags = draw(st.sampled_from(((), (), (False,))))

    def call(x: Any, gamma: Any, beta: Any, dout: Any) -> Any:
        layer = layers.BatchNormalization(gamma, beta)
        training = layer.forward(x)
        dx = layer.backward(dout) if not flags else 0.0
        return training, dx, layer.forward(x, *flags), layer.running_mean, layer.running_var

    found = on_both(call, x, gamma, beta, dout)
    if found:
        dout = dout if not flags else 0
        # The deviation is at least 1e-3 (it is that of equal values), and its rounding is relative to the values.
        values, g, d = (float(np.abs(np.asarray(each, float)).max(initial=1)) for each in (x, gamma, dout))
        std = max(float(np.asarray(x, float).reshape(len(x), -1).std(axis=0).min()), 1e-3)
        out = 64 * g * (values / std) + float(np.abs(np.asarray(beta, float)).max())
        assert_agree(found, (out, 64 * g * d * (values / std) ** 2 / std, 4 * out, 64 * values, 64 * values**2))


def softmax_with_loss(draw: Draw) -> None:
    shape = draws.shape(draw, (2, 1, 2, 3, 0))
    *batch, C = shape or (1,)
    x = draws.anything(draw, shape, kinds=(*TAME, draws.KINDS[3]), special=2)
    t = draws.targets(draw, tuple(batch), C) if draw(st.integers(0, 4)) else draws.anything(draw, shape)

    def call(x: Any, t: Any) -> Any:
        layer = layers.SoftmaxWithLoss()
        return layer.forward(x, t), layer.y, layer.backward()

    found = on_both(call, x, t)
    if found:
        # The loss is a sum of at most -log(1e-7), times the targets; softmax is as exact as the distance of its scores.
        largest = float(np.max(np.abs(np.asarray(x, float)), where=np.isfinite(x), initial=1.0))
        assert_agree(found, (32.0, largest, largest))


def images_to_columns(draw: Draw) -> None:
    shape = (draw(st.sampled_from((1, 2, 0))), draw(st.sampled_from((1, 3))), draw(st.sampled_from((1, 4, 5))),
             draw(st.sampled_from(draws.LENGTHS)))  # fmt: skip
    x, sizes = draws.anything(draw, shape), [_size(draw), _size(draw), _size(draw), _size(draw, (0, 1, 2))]
    found = on_both(lambda x: util.im2col(x, *sizes), x)
    assert_agree(found)
    col = draws.anything(draw, found[0].shape if found else (4, 4), kinds=TAME, special=1)
    given = draw(st.sampled_from((shape, shape, shape, list(shape), shape[:3], (*shape[:3], -1), None, "shape")))
    found = on_both(lambda col: util.col2im(col, given, *sizes), col)
    if found:
        with np.errstate(all="ignore"):
            assert_agree(found, util.col2im(*absolute(col), given, *sizes))


def tools(draw: Draw) -> None:
    x, t = draws.anything(draw, draws.shape(draw)), draws.anything(draw, draws.shape(draw))
    assert_agree(on_both(util.smooth_curve, x))
    found = on_both(util.shuffle_dataset, x, t)
    if found:
        for one, *others in zip(*found, strict=True):  # no others without the compiled kernels
            assert all(np.array_equal(one, other, equal_nan=one.dtype.kind == "f") for other in others)
    sizes = [_size(draw) for _ in range(4)]
    assert_agree(on_both(lambda: util.conv_output_size(*sizes)))


# --- functions, losses, information ----------------------------------------------------------------------------------


def any_function(draw: Draw) -> None:
    function = draw(st.sampled_from(FUNCTIONS))
    call, x = draw(st.sampled_from(function.calls)), draws.anything(draw, draws.shape(draw), wrong=2)
    found = on_both(call, x)
    if found:
        values = np.abs(np.asarray(x, float))
        assert_agree(found, float(np.max(values, where=np.isfinite(values), initial=1.0)) * max(values.size, 8))


def any_loss(draw: Draw) -> None:
    names = ("sum_squared_error", "mean_squared_error", "cross_entropy_error", "binary_cross_entropy", "softmax_loss",
             "softmax_cross_entropy")  # fmt: skip
    function = getattr(functions, draw(st.sampled_from(names)))
    shape = draws.shape(draw)
    *batch, C = shape or (1,)
    y = draws.anything(draw, shape, kinds=TAME, wrong=4)
    t = draws.anything(draw, shape, wrong=2) if draw(st.booleans()) else draws.targets(draw, tuple(batch), C)
    found = on_both(function, y, t)
    if found:
        with np.errstate(all="ignore"):
            largest = [np.max(v, where=np.isfinite(v), initial=1.0) for v in absolute(y, t)]
            assert_agree(found, max(np.size(y), 8) * 32.0 * (largest[0] + largest[1]) ** 2)


def any_information(draw: Draw) -> None:
    shape = draws.shape(draw, (1, 2, 1, 0, 3))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))

    def distribution() -> Any:
        if draw(st.integers(0, 3)) == 0 or not shape or not shape[-1]:
            return draws.anything(draw, shape)
        rows = random.integers(0, 5, shape) + random.random(shape) * draw(st.sampled_from((0, 1)))
        rows[..., 0] += 1
        return draws.layout(draw, rows / rows.sum(axis=-1, keepdims=True))

    p, q, base = distribution(), distribution(), draw(st.sampled_from((2, np.e, 10, 1, 0, -1, np.nan, "2", None)))
    for call in (information.entropy, information.cross_entropy, information.kl_divergence):
        arguments = (p,) if call is information.entropy else (p, q)
        found = on_both(partial(call, base=base), *arguments)
        assert_agree(found, 1e4)


# --- perceptrons, optimizers, numerical differentiation --------------------------------------------------------------


def any_perceptron(draw: Draw) -> None:
    D = draw(st.sampled_from((1, 2, 9)))
    w, b = draws.anything(draw, (D,), kinds=TAME), draw(st.sampled_from((0, -0.7, None, np.nan, "1", [1])))
    x, t = draws.anything(draw, (4, D), kinds=TAME), draws.anything(draw, (4,), kinds=TAME)
    assert_agree(on_both(lambda w, x: Perceptron(w, b).predict(x), w, x))

    def learned(w: Any, x: Any, t: Any) -> Any:
        learning = Perceptron(w, b)
        return learning.fit(x, t, epochs=2), learning.w, learning.b

    assert_agree(on_both(learned, w, x, t))
    gate = getattr(perceptron, draw(st.sampled_from(("AND", "NAND", "OR", "XOR"))))
    assert_agree(on_both(gate, draws.anything(draw, (D,)), draws.anything(draw, (D,))))


def any_update(draw: Draw) -> None:
    """What an update refuses, it leaves as it was."""
    kind = getattr(optimizer, draw(st.sampled_from(("SGD", "Momentum", "Nesterov", "AdaGrad", "RMSprop", "Adam"))))
    shape = draws.shape(draw)
    dtype = draw(st.sampled_from(draws.FLOATS))
    first = {
        name: draw(st.sampled_from(draws.WRITABLE))(draws.floats(draw, shape, dtype, TAME, special=1))
        if draw(st.integers(0, 7))
        else draws.anything(draw, shape, kinds=TAME)
        for name in ("W", "b")
    }
    grads = {name: draws.anything(draw, shape, kinds=TAME, special=1, wrong=16) for name in ("W", "b")}
    if draw(st.integers(0, 9)) == 0:
        del grads[draw(st.sampled_from(("W", "b")))]

    def call() -> Any:
        params = {name: _writable(value) for name, value in first.items()}
        before = {name: np.array(value, copy=True) for name, value in params.items()}
        tool = kind()
        try:
            tool.update(params, grads)
            tool.update(params, grads)
        except (TypeError, ValueError):
            for name, value in params.items():
                assert np.asarray(value).tobytes() == before[name].tobytes(), "a refused update has changed something"
            raise
        return params["W"], params["b"]

    found = on_both(call)
    if found:
        with np.errstate(all="ignore"):
            scales = tuple(sum(v.max(initial=1.0) for v in absolute(first[name], grads[name])) for name in ("W", "b"))
        # A gradient of the order of the optimizers' eps, 1e-7, passes its own error on, times 1e7 times the rate.
        assert_agree(found, scales, rtol={"float64": 1e-12, "float32": 1e-4, "float16": 2.0**-7})


def _writable(value: Any) -> Any:
    """The same array in the same layout, in memory of its own."""
    if not isinstance(value, np.ndarray) or not value.flags.writeable:
        return value
    return value[...] if value.base is None and not value.ndim else value.copy(order="K")


def any_differentiation(draw: Draw) -> None:
    x = draws.anything(draw, draws.shape(draw), kinds=TAME, special=1)
    if draw(st.booleans()):
        x = draw(st.sampled_from(draws.WRITABLE))(draws.floats(draw, draws.shape(draw), "f8", TAME, special=1))
    h = 1e-4 if draw(st.integers(0, 5)) else draw(st.sampled_from((0.5, 0, -1, np.nan, None, "h")))

    def total(x: Any) -> float:
        with np.errstate(all="ignore"):
            return float(np.sum(np.square(x, dtype=float)))

    def rows(x: Any) -> Any:
        with np.errstate(all="ignore"):
            return np.square(np.asarray(x, dtype=float)).sum(axis=-1)

    def wrong(x: Any) -> Any:
        return draw_of_f(x)

    draw_of_f = draw(
        st.sampled_from((lambda _: None, lambda _: "1", lambda x: x, lambda _: 1j, lambda _: True, lambda _: [1.0]))
    )
    f = draw(st.sampled_from((total, total, rows, rows, wrong)))
    for call in (gradient.numerical_gradient, gradient.jacobian, gradient.numerical_gradient_2d):
        assert_agree(on_both(lambda x, call=call: call(f, x, h), x))
    lr, steps = draw(st.sampled_from((0.1, 0.1, 0, None, np.nan))), draw(st.sampled_from((2, 2, 0, -1, 1.5, None)))
    assert_agree(on_both(lambda x: gradient.gradient_descent(f, x, lr, steps), x))


# --- networks of layers ----------------------------------------------------------------------------------------------


def layered_network(draw: Draw) -> None:
    dtype, C = draw(st.sampled_from(("f8", "f4"))), draw(st.sampled_from((2, 3, 1)))
    kind = draw(st.sampled_from(("two", "extend", "convolution")))
    shape: tuple[int, ...] = (5,)
    if kind == "two":
        network: Any = LayeredTwoLayerNet(5, 4, C, 0.5, dtype=dtype, seed=0)
    elif kind == "extend":
        options = {name: draw(st.booleans()) for name in ("use_dropout", "use_batchnorm")}
        activation = draw(st.sampled_from(("relu", "sigmoid")))
        network = MultiLayerNetExtend(5, [4, 3], C, activation, weight_decay_lambda=0.1, dtype=dtype, seed=0, **options)
    else:
        shape = (1, 6, 5)
        filters = {"filter_num": 2, "filter_size": 3, "pad": draw(st.sampled_from((0, 1))), "stride": 1}
        network = SimpleConvNet(shape, filters, 3, C, 0.5, dtype=dtype, seed=0)
    batch = draw(st.sampled_from(((4,), (1,), (0,), ())))
    usual = (draws.KINDS[0],)
    x = draws.anything(draw, (*batch, *shape), kinds=usual, special=draw(st.sampled_from((0, 0, 1))))
    t = draws.targets(draw, batch, C)
    methods = {
        "predict": lambda x, _: network.predict(x),
        "loss": lambda x, t: network.loss(x, t),
        "accuracy": lambda x, t: network.accuracy(x, t),
        "gradient": lambda x, t: tuple(network.gradient(x, t).values()),
    }
    # The layers add some dozens of products of the order of 1 to 10, and batch normalisation divides by small numbers.
    rtol = {"float64": 1e-9, "float32": 2e-3}
    for name, call in methods.items():
        found = on_both(call, x, t)
        if not found:
            continue
        results = [each if isinstance(each, tuple) else (each,) for each in found]
        if np.abs(np.asarray(x, float)).max(initial=0) > 1e3:
            continue  # the same large number in every row: batch normalisation leaves its rounding alone
        if all(np.isfinite(each).all() for result in results for each in result):
            largest = max(float(np.abs(each).max(initial=1.0)) for each in results[0])
            assert_agree(found, (largest,) * len(results[0]), rtol=rtol)
        elif name in ("predict", "loss"):
            assert np.array_equal(np.isnan(results[0][0]), np.isnan(results[-1][0]))
