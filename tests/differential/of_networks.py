"""The networks: predictions, losses, gradients and accuracy."""

from __future__ import annotations

from math import inf
from typing import Any

import draws
import judge
import mpmath
import numpy as np
from comparison import (
    as_rows,
    assert_form,
    assert_within_bound,
    errors_due,
    native,
    results,
    rows_of_targets,
)
from draws import Draw
from hostile import byte_swapped
from hypothesis import strategies as st
from judge import Real, computing_in, exactly
from mpmath import mpf

from fastnet import MultiLayerNet, SimpleNet, TwoLayerNet


def _filled(draw: Draw, network: Any, spread: float, special: int) -> None:
    """Replace the parameters: drawn values, also biases, and up to one special value."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    for name, value in network.params.items():
        network.params[name] = (spread * random.normal(size=value.shape)).astype(value.dtype)
    if draw(st.integers(0, 3)) == 0:
        for value in network.params.values():
            value[...] = np.round(2 * value) / 2  # ties, and inputs of exactly 0 for a corner
    if special and draw(st.integers(0, 3)) == 0:
        value = network.params[draw(st.sampled_from(list(network.params)))]
        value.flat[draw(st.integers(0, value.size - 1))] = draw(st.sampled_from((np.nan, np.inf, -np.inf, 1e30, 0.0)))
    if draw(st.integers(0, 3)) == 0:
        for name, value in network.params.items():
            network.params[name] = draw(st.sampled_from((draws.fortran, draws.strided, byte_swapped)))(value)


def _network(kind: type, draw: Draw, *, small: bool = False, special: int = 1) -> tuple[Any, dict[str, Any]]:
    """A network of this kind, and what the judge needs to know of it."""
    D, C = draw(st.sampled_from((1, 2, 3) if small else (1, 2, 3, 5, 9, 17))), draw(st.sampled_from((1, 2, 3, 5)))
    dtype = draw(st.sampled_from(("f8", "f4")))
    if kind is TwoLayerNet:
        H = draw(st.sampled_from((1, 2, 3) if small else (1, 3, 8, 9, 17)))
        network: Any = TwoLayerNet(D, H, C, dtype=dtype, seed=0)
        settings = {"activation": "sigmoid", "output": "softmax", "decay": 0.0}
    else:
        layers = ([], [2], [2, 2], [1, 2, 1]) if small else ([], [3], [9], [17], [4, 3], [3, 2, 3])
        hidden = draw(st.sampled_from(layers))
        settings = {
            "activation": draw(st.sampled_from(list(judge.ACTIVATIONS))),
            "output": draw(st.sampled_from(list(judge.OUTPUTS))),
            "decay": draw(st.sampled_from((0.0, 0.0, 0.1, 2.0))),
        }
        network = MultiLayerNet(
            D, hidden, C, settings["activation"], weight_decay_lambda=settings["decay"], output=settings["output"],
            dtype=dtype, seed=0,
        )  # fmt: skip
    _filled(draw, network, draw(st.sampled_from((1.0, 0.1, 10.0) if special else (1.0, 0.1))), special)
    return network, settings


def _judge_of(network: Any, settings: dict[str, Any], eps: Any = judge.LOSS_EPS) -> Any:
    parameters = [exactly(native(value, network.dtype)) for value in network.params.values()]
    return judge.Network(parameters, settings["activation"], settings["output"], settings["decay"], eps)


def _data(draw: Draw, network: Any, output: str, *, special: int, sizes: Any) -> tuple[Any, Any, Any]:
    """Samples x, targets t, and the rows of t or the type of the error that is due."""
    batch = () if draw(st.integers(0, 3)) == 0 else (draw(st.sampled_from(sizes)),)
    D, C = next(iter(network.params.values())).shape[0], list(network.params.values())[-1].shape[0]
    x = draws.array(draw, (*batch, D), draws.KINDS[:4] if special else draws.TAME, special=special)
    if output == "softmax":
        kind, t = "classes", draws.targets(draw, batch, C)
    else:
        kind = "numbers" if output == "identity" else "answers"
        t = draws.numbers(draw, (*batch, C), yes_or_no=kind == "answers")
    return x, t, rows_of_targets(t, (*batch, C), network.dtype, kind)


def network(kind: type, draw: Draw) -> None:
    network, settings = _network(kind, draw)
    output = settings["output"]
    x, t, rows = _data(draw, network, output, special=1, sizes=(2, 1, 3, 5, 0))
    name = f"{type(network).__name__} {network.dtype}"
    batch = np.shape(x)[:-1]
    C = list(network.params.values())[-1].shape[0]
    due = errors_due(rows, batch == (0,))
    exact = _judge_of(network, settings)
    with computing_in(network.dtype):
        # A float32 array stays as it is in a float64 network, a float64 array is rounded to a float32 network's dtype.
        samples = exactly(native(x, network.dtype).reshape(-1, np.shape(x)[-1])) if batch != (0,) else []
        y = exact.forward(samples)[2] if samples else []
    for result in results(network.predict, x):
        assert isinstance(result, np.ndarray)
        assert (result.shape, result.dtype) == ((*batch, C), network.dtype)
        assert_within_bound(f"{name} predict", result, y)
    if not due:
        with computing_in(network.dtype):
            loss, gradients = exact.loss(samples, rows), exact.gradient(samples, rows)
    for result in results(network.loss, x, t, due=due):
        assert_form(result, (), network.dtype)
        assert_within_bound(f"{name} loss", result, loss)
    for result in results(network.gradient, x, t, due=due):
        assert list(result) == list(network.params)
        for (key, gradient), right in zip(result.items(), gradients, strict=True):
            assert_form(gradient, network.params[key].shape, network.dtype)
            assert_within_bound(f"{name} gradient", gradient, right)
    for result in results(network.trace, x, t, due=due) if t is not None else ():
        assert_within_bound(f"{name} trace", result["y"], y)
        assert_within_bound(f"{name} trace", result["loss"], loss)
        for key, right in zip(network.params, gradients, strict=True):
            assert_within_bound(f"{name} trace", result[f"d{key}"], right)
    if output != "identity":
        for result in results(network.accuracy, x, t, due=due):
            least, most = _accuracy(output, y, as_rows(rows, C))
            assert least - 1e-12 <= result <= most + 1e-12, (least, result, most)


def _accuracy(output: str, y: Any, t: Any) -> tuple[float, float]:
    """The least and the largest accuracy: where rounding decides, an answer may be right or wrong."""
    least = most = answers = 0
    for row, target in zip(y, t, strict=True):
        if output != "softmax":
            for p, wanted in zip(row, target, strict=True):
                answers += 1
                undecided = p.error == inf or (not mpmath.isnan(p.value) and abs(p.value - 0.5) <= p.error)
                right = not mpmath.isnan(p.value) and (p.value > 0.5) == (wanted.value > 0.5)
                least, most = least + (right and not undecided), most + (right or undecided)
            continue
        answers += 1
        if any(p.error == inf for p in row):
            most += 1
            continue
        if any(mpmath.isnan(p.value) for p in row):
            continue
        best = max(range(len(row)), key=lambda c: row[c].value)
        close = [c for c, p in enumerate(row) if p.value + p.error >= row[best].value - row[best].error]
        wanted = max(range(len(row)), key=lambda c: target[c].value)
        least += close == [best] and best == wanted
        most += wanted in close
    return least / answers, most / answers


def numerical_gradient(kind: type, draw: Draw) -> None:
    network, settings = _network(kind, draw, small=True, special=0)
    x, t, rows = _data(draw, network, settings["output"], special=0, sizes=(1, 2, 0))
    due = errors_due(rows, np.shape(x)[:-1] == (0,))
    found = results(network.numerical_gradient, x, t, due=due)
    if not found:
        return
    name, exact = f"{type(network).__name__} {network.dtype}", _judge_of(network, settings)
    samples = exactly(native(x, network.dtype).reshape(-1, np.shape(x)[-1]))
    for key, layer in zip(network.params, range(2 * len(exact.layers)), strict=True):
        parameter = exact.layers[layer // 2][layer % 2]
        differences = _differences(exact, parameter, samples, rows)  # in float64 for a float32 network, too
        for result in found:
            assert_form(result[key], network.params[key].shape, network.dtype)
            assert_within_bound(f"{name} numerical_gradient", result[key], differences)


def _differences(exact: Any, parameter: Any, x: Any, t: Any) -> Any:
    """The central difference of the loss with respect to each number of a parameter: the rounding of both, over 2 h."""
    if isinstance(parameter[0], list):
        return [_differences(exact, row, x, t) for row in parameter]
    differences, h = [], mpf(1e-4)
    for number, before in enumerate(parameter):
        losses = []
        for step in (h, -h):
            parameter[number] = Real(before.value + step)
            losses.append(exact.loss(x, t))
        parameter[number] = before
        error = float((losses[0].error + losses[1].error) / (2 * h))
        differences.append(Real((losses[0].value - losses[1].value) / (2 * h), error))
    return differences


def simple_net(draw: Draw) -> None:
    D, C = draw(st.sampled_from((1, 2, 5))), draw(st.sampled_from((1, 2, 3)))
    network = SimpleNet(D, C, seed=0)
    network.W = draws.floats(draw, (D, C), "f8", draws.TAME, special=0)
    network.params = {"W1": network.W, "b1": np.zeros(C)}  # for `_data`
    network.dtype = np.dtype("f8")
    x, t, rows = _data(draw, network, "softmax", special=1, sizes=(2, 1, 0))
    due = errors_due(rows, np.shape(x)[:-1] == (0,))
    exact = judge.Network([exactly(network.W), exactly(np.zeros(C))], "identity", "softmax")
    samples = exactly(native(x, "f8").reshape(-1, D)) if np.size(x) else []
    for result in results(network.predict, x):
        assert (result.shape, result.dtype) == ((*np.shape(x)[:-1], C), np.float64)
        assert_within_bound("SimpleNet predict", result, exact.forward(samples)[1][-1] if samples else [])
    for result in results(network.loss, x, t, due=due):
        assert_form(result, (), "f8")
        assert_within_bound("SimpleNet loss", result, exact.loss(samples, rows))
    if not due and not np.isfinite(np.asarray(x, float)).all():
        return
    for result in results(network.numerical_gradient, x, t, due=due):
        exact_differences = _differences(exact, exact.layers[0][0], samples, rows)
        assert_within_bound("SimpleNet numerical_gradient", result, exact_differences)
