"""Every kernel, registered once, and every public function: what the tests and the benchmarks know about them.

A new kernel gets one entry here, and every test that holds for kernels like it runs on it. `KERNELS` has to name what
the twins declare in `__all__`, and `FUNCTIONS` what `fastnet.functions` does: `test_structure.py` compares.

An `Elementwise` is a kernel and its public function in one: its formula on mpmath numbers says what is right.
The hostile arrays, which all of them have to survive, are in `hostile.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from math import inf, log, nan
from typing import Any

import mpmath
import numpy as np

from fastnet import functions
from fastnet._bench import cases as comparisons
from fastnet._bench import timing

LN2, LN3 = log(2), log(3)

Call = Callable[[Any], Any]
ByHand = tuple[tuple[Any, ...], Any]  # the arguments of a kernel, arrays as lists; what it returns


# --- what an entry says ----------------------------------------------------------------------------------------------


def eps_times(*factors: float) -> Callable[[float], tuple[float, ...]]:
    """The tolerance of each result, relative, as a function of the dtype's eps."""
    return lambda eps: tuple(factor * eps for factor in factors)


EIGHT_EPS = eps_times(8)


@dataclass(frozen=True, kw_only=True, eq=False)
class Textbook:
    """A formula of `fastnet._bench.plain`, with which the benchmarks compare a public function."""

    name: str
    arguments: Callable[[tuple[int, ...], Any], tuple[Any, ...]]  # of a shape and a dtype
    of_rows: bool = True  # the shape is (N, C), and not any number of elements

    def contenders(self, *arguments: Any) -> dict[str, timing.Contender]:
        """The formula and fastnet's function, on every backend."""
        with_gradient = self.name == "softmax_cross_entropy"  # the loss and its gradient in one call
        if with_gradient:
            return comparisons.loss_and_gradient(*arguments)
        return comparisons.expression(self.name, *arguments)


@dataclass(frozen=True, kw_only=True, eq=False)
class Kernel:
    """A kernel that both fronts have."""

    name: str
    arguments: Callable[[Any], tuple[Any, ...]]  # of a dtype: what it can be called with, small
    by_hand: tuple[ByHand, ...] = ()
    rtol: Callable[[float], tuple[float, ...]] = EIGHT_EPS  # of the values by hand, one for each result
    scalar: type | None = float  # the type of a result without dimensions; None stands for the dtype
    labels: tuple[type, ...] = (np.intp,)  # the dtypes that its labels may have
    atol: float = 0  # of the twins, beside what is promised of every result
    changes: tuple[int, ...] = ()  # the arguments that it writes to
    returns_inputs: bool = False  # instead of new arrays
    dtypes: tuple[type, ...] = (np.float32, np.float64)
    textbook: tuple[Textbook, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class Function:
    """A public function of `fastnet.functions`."""

    name: str
    calls: tuple[Call, ...]  # every way to call it that takes a hostile array
    argument: str = "x"  # the name of its first argument
    is_loss: bool = False  # its second argument holds targets

    @property
    def public(self) -> Callable[..., Any]:
        return getattr(functions, self.name)


@dataclass(frozen=True, kw_only=True, eq=False)
class Parameter:
    """The number that a function takes after x."""

    name: str
    default: float
    allowed: str  # as the error message says it
    refused: tuple[float, ...]  # numbers out of that range
    others: tuple[float, ...]  # numbers in it
    by_hand: float = 0.25


@dataclass(frozen=True, kw_only=True, eq=False)
class Elementwise:
    """A function of every element, `y = f(x)` or `y = f(x, parameter)`."""

    name: str
    exact: Callable[..., Any]  # f on mpmath numbers
    by_hand: tuple[tuple[Any, Any], ...] = ()  # x and y of the kernel, whose parameter is then `parameter.by_hand`
    limits: tuple[float, ...] = ()  # of the public function at NaN, -inf, inf, -1000 and 1000
    at_zero: tuple[float, ...] = ()  # at 0.0 and -0.0, where the formula leaves a choice or the sign counts
    parameter: Parameter | None = None
    reaches_zero: bool = True  # its values pass through the subnormal numbers
    has_kernel: bool = True  # of its own
    has_textbook: bool = True

    @property
    def public(self) -> Callable[..., Any]:
        return getattr(functions, self.name)

    @property
    def default(self) -> tuple[float, ...]:
        """The parameter, if any, that the public function takes when none is given."""
        return (self.parameter.default,) if self.parameter else ()

    @property
    def kernel(self) -> Kernel:
        parameter = (self.parameter.by_hand,) if self.parameter else ()
        return Kernel(
            name=self.name,
            arguments=lambda dtype: (np.linspace(-2, 2, 12, dtype=dtype).reshape(4, 3), *parameter),
            by_hand=tuple(((x, *parameter), y) for x, y in self.by_hand),
            # 4 units in the last place; the arguments near ln 2 and ln 3 are rounded themselves, which costs up to
            # 5 / 2 more.
            rtol=EIGHT_EPS,
            textbook=(Textbook(name=self.name, arguments=lambda *of: (scores(*of),), of_rows=False),)
            if self.has_textbook
            else (),
        )

    @property
    def function(self) -> Function:
        calls: list[Call] = [lambda x: self.public(x)]
        if self.parameter:
            calls.append(lambda x: self.public(x, 0.3))
        return Function(name=self.name, calls=tuple(calls))


# --- arguments -------------------------------------------------------------------------------------------------------


def scores(shape: Any, dtype: Any) -> Any:
    return np.random.default_rng(0).normal(scale=3, size=shape).astype(dtype)


def labels(shape: tuple[int, ...]) -> Any:
    return np.random.default_rng(1).integers(shape[-1], size=shape[:-1])


def probabilities(shape: tuple[int, ...], dtype: Any) -> Any:
    e = np.exp(scores(shape, dtype))
    return e / e.sum(axis=-1, keepdims=True)


def one_hot(shape: tuple[int, ...], dtype: Any) -> Any:
    return np.eye(shape[-1], dtype=dtype)[labels(shape)]


def yes_or_no(shape: Any, dtype: Any) -> tuple[Any, Any]:
    random = np.random.default_rng(0)
    return random.uniform(0.01, 0.99, shape).astype(dtype), random.integers(2, size=shape).astype(dtype)


def to_update(remembered: int, *numbers: float) -> Callable[[Any], tuple[Any, ...]]:
    """A parameter, its gradient, what an optimizer remembers of both (from 0 on), and its numbers."""

    def arguments(dtype: Any) -> tuple[Any, ...]:
        random = np.random.default_rng(0)
        arrays = [random.normal(size=(5, 3)).astype(dtype) for _ in range(2 + remembered)]
        return (*arrays[:2], *map(np.abs, arrays[2:]), *numbers)

    return arguments


def network(*sizes: int) -> Callable[[Any], tuple[Any, ...]]:
    """The parameters W1, b1, W2, ... of a network of layers of these sizes."""

    def parameters(dtype: Any) -> tuple[Any, ...]:
        random = np.random.default_rng(0)
        shapes = [shape for I, U in pairwise(sizes) for shape in ((I, U), (U,))]  # noqa: E741
        return tuple(random.normal(size=shape).astype(dtype) for shape in shapes)

    return parameters


def named_parameters(dtype: Any) -> tuple[Any, ...]:
    params = dict(zip(("W1", "b1", "W2", "b2"), network(3, 5, 4)(dtype), strict=True))
    return params, {name: param.shape for name, param in params.items()}, np.dtype(dtype)


# --- elementwise -----------------------------------------------------------------------------------------------------

SLOPE = Parameter(
    name="slope", default=0.1, allowed="from 0 to 1", others=(0.3,), refused=(-0.1, 1.5, nan, inf, 10**400)
)
ALPHA = Parameter(
    name="alpha", default=1.0, allowed="of at least 0", others=(0.3, 2.0), refused=(-0.1, nan, inf, -inf, 10**400)
)


def exact_sigmoid_grad(x: Any) -> Any:
    e = mpmath.exp(-abs(x))
    return e / (1 + e) ** 2


ELEMENTWISE = [
    Elementwise(
        name="sigmoid",
        exact=lambda x: 1 / (1 + mpmath.exp(-x)),
        by_hand=(
            # 1 / (1 + e^-ln3) = 1 / (1 + 1/3)
            ([[0.0, LN3, -LN3]], [[0.5, 0.75, 0.25]]),
            ([1000.0, -1000.0, inf, -inf, nan], [1.0, 0.0, 1.0, 0.0, nan]),
        ),
        limits=(nan, 0, 1, 0, 1),
    ),
    Elementwise(
        name="sigmoid_grad",
        exact=exact_sigmoid_grad,
        by_hand=(
            # 3/4 * 1/4
            ([[0.0, LN3, -LN3]], [[0.25, 0.1875, 0.1875]]),
            ([1000.0, -1000.0, inf, -inf, nan], [0.0, 0.0, 0.0, 0.0, nan]),
        ),
        limits=(nan, 0, 0, 0, 0),
    ),
    Elementwise(
        name="tanh",
        exact=mpmath.tanh,
        by_hand=(
            # (3 - 1/3) / (3 + 1/3), and of half of that (2 - 1/2) / (2 + 1/2)
            ([[0.0, LN3, -LN3], [LN2, -LN2, -0.0]], [[0.0, 0.8, -0.8], [0.6, -0.6, -0.0]]),
            ([1000.0, -1000.0, inf, -inf, nan], [1.0, -1.0, 1.0, -1.0, nan]),
        ),
        limits=(nan, -1, 1, -1, 1),
        at_zero=(0.0, -0.0),
    ),
    Elementwise(
        name="tanh_grad",
        exact=lambda x: mpmath.sech(x) ** 2,
        by_hand=(
            # 1 - 0.8^2
            ([[0.0, LN3, -LN3, LN2]], [[1.0, 0.36, 0.36, 0.64]]),
            ([1000.0, -1000.0, inf, -inf, nan], [0.0, 0.0, 0.0, 0.0, nan]),
        ),
        limits=(nan, 0, 0, 0, 0),
    ),
    Elementwise(
        name="relu",
        exact=lambda x: max(x, 0),
        by_hand=(
            ([[-2.0, -0.0, 0.0, 3.0]], [[0.0, 0.0, 0.0, 3.0]]),
            ([inf, -inf, nan, 1e-30], [inf, 0.0, nan, 1e-30]),
        ),
        limits=(nan, 0, inf, 0, 1000),
        at_zero=(0.0, 0.0),
        has_textbook=False,  # np.maximum(0, x) is what the NumPy twin does
    ),
    Elementwise(
        name="leaky_relu",
        exact=lambda x, slope: x if x > 0 else slope * x,
        by_hand=(
            ([[-8.0, -0.0, 0.0, 8.0, -1e-30]], [[-2.0, -0.0, 0.0, 8.0, -2.5e-31]]),
            ([-inf, inf, nan], [-inf, inf, nan]),
        ),
        limits=(nan, -inf, inf, -100, 1000),
        at_zero=(0.0, -0.0),
        parameter=SLOPE,
    ),
    Elementwise(
        name="leaky_relu_grad",
        exact=lambda x, slope: 1 if x >= 0 else slope,
        by_hand=(([[-8.0, -0.0, 0.0, 8.0, -inf, inf, nan]], [[0.25, 1.0, 1.0, 1.0, 0.25, 1.0, nan]]),),
        limits=(nan, 0.1, 1, 0.1, 1),
        at_zero=(1.0, 1.0),
        parameter=SLOPE,
        reaches_zero=False,
    ),
    Elementwise(
        name="elu",
        exact=lambda x, alpha: x if x > 0 else alpha * mpmath.expm1(x),
        by_hand=(
            ([[-LN2, -0.0, 0.0, 8.0, -1e-30]], [[-0.125, -0.0, 0.0, 8.0, -2.5e-31]]),  # (1/2 - 1) / 4
            ([-inf, inf, nan], [-0.25, inf, nan]),
        ),
        limits=(nan, -1, inf, -1, 1000),
        at_zero=(0.0, -0.0),
        parameter=ALPHA,
    ),
    Elementwise(
        name="elu_grad",
        exact=lambda x, alpha: 1 if x >= 0 else alpha * mpmath.exp(x),
        by_hand=(([[-LN2, -0.0, 0.0, 8.0, -inf, inf, nan]], [[0.125, 1.0, 1.0, 1.0, 0.0, 1.0, nan]]),),
        limits=(nan, 0, 1, 0, 1),
        at_zero=(1.0, 1.0),
        parameter=ALPHA,
    ),
    # --- without a kernel of their own
    Elementwise(
        name="identity_function",
        exact=lambda x: x,
        limits=(nan, -inf, inf, -1000, 1000),
        at_zero=(0.0, -0.0),
        has_kernel=False,
    ),
    Elementwise(
        name="step_function",
        exact=lambda x: 1 if x > 0 else 0,
        limits=(0, 0, 1, 0, 1),  # an integer cannot be NaN
        at_zero=(0, 0),
        reaches_zero=False,
        has_kernel=False,
    ),
    Elementwise(
        name="softplus",
        exact=lambda x: mpmath.log1p(mpmath.exp(x)),
        by_hand=(
            # log(1 + 1), log(1 + 3), log(1 + 1/3)
            ([[0.0, LN3, -LN3]], [[LN2, 2 * LN2, 2 * LN2 - LN3]]),
            ([1000.0, -1000.0, inf, -inf, nan], [1000.0, 0.0, inf, 0.0, nan]),
        ),
        limits=(nan, 0, inf, 0, 1000),
    ),
    Elementwise(
        name="softplus_grad",
        exact=lambda x: 1 / (1 + mpmath.exp(-x)),
        limits=(nan, 0, 1, 0, 1),
        has_kernel=False,  # the sigmoid's
        has_textbook=False,
    ),
    Elementwise(
        name="relu_grad",
        exact=lambda x: 1 if x >= 0 else 0,
        limits=(nan, 0, 1, 0, 1),
        at_zero=(1.0, 1.0),  # the book's choice
        reaches_zero=False,
        has_kernel=False,
    ),
]


# --- the other kernels -----------------------------------------------------------------------------------------------

LOSS_OF_LABELS = (
    # softmax is (1/4, 3/4) and (1/2, 1/2)
    ([[0.0, LN3], [7.0, 7.0]], [0, 1], 1.5 * LN2, [[-0.375, 0.375], [0.25, -0.25]]),
    ([[1000.0, 0.0]], [1], 1000.0, [[1.0, -1.0]]),
    ([[7.0], [-inf]], [0, 0], 0.0, [[0.0], [0.0]]),
    ([[inf, 0.0]], [0], 0.0, [[0.0, 0.0]]),
    ([[inf, 0.0]], [1], inf, [[1.0, -1.0]]),
    ([[inf, inf, 0.0]], [2], nan, [[nan, nan, nan]]),
    ([[0.0, nan], [7.0, 7.0]], [0, 0], nan, [[nan, nan], [-0.25, 0.25]]),
    ([[7.0], [nan]], [0, 0], nan, [[0.0], [nan]]),
)

OTHERS = [
    Kernel(
        name="softmax",
        arguments=lambda dtype: (scores((4, 3), dtype),),
        by_hand=(
            (([[0.0, LN3], [1000.0, 1000.0]],), [[0.25, 0.75], [0.5, 0.5]]),
            # 2^0 : 2^1 : 2^2, whatever is added to all three
            (
                ([[0.0, LN2, 2 * LN2], [-5.0, LN2 - 5, 2 * LN2 - 5]],),
                [[1 / 7, 2 / 7, 4 / 7], [1 / 7, 2 / 7, 4 / 7]],
            ),
            (([[7.0], [-inf], [inf]],), [[1.0], [1.0], [1.0]]),
            (([[inf, 5.0, -inf], [inf, inf, 0.0]],), [[1.0, 0.0, 0.0], [nan, nan, 0.0]]),
            (([[-inf, 0.0, -inf], [nan, 0.0, inf]],), [[0.0, 1.0, 0.0], [nan, nan, nan]]),
            (([[1e38, -1e38]],), [[1.0, 0.0]]),
            (([0.0, LN3],), [0.25, 0.75]),
            (([[[0.0, LN3]], [[inf, 0.0]]],), [[[0.25, 0.75]], [[1.0, 0.0]]]),
        ),
        textbook=(Textbook(name="softmax", arguments=lambda *of: (scores(*of),)),),
    ),
    Kernel(
        name="softmax_cross_entropy_labels",
        arguments=lambda dtype: (scores((4, 3), dtype), labels((4, 3)), True),
        by_hand=tuple(((x, t, True), (loss, dx)) for x, t, loss, dx in LOSS_OF_LABELS),
        rtol=eps_times(4, 8),  # as for softmax: ln 3 is rounded itself
        textbook=(
            Textbook(
                name="softmax_cross_entropy", arguments=lambda shape, dtype: (scores(shape, dtype), labels(shape))
            ),
        ),
    ),
    Kernel(
        name="softmax_cross_entropy_targets",
        arguments=lambda dtype: (scores((4, 3), dtype), one_hot((4, 3), dtype) / 2, True),
        by_hand=tuple(
            ((x, np.eye(len(x[0]))[t].tolist(), True), (loss, dx)) for x, t, loss, dx in LOSS_OF_LABELS
        ),
        rtol=eps_times(4, 8),
    ),
    Kernel(
        name="cross_entropy",
        arguments=lambda dtype: (probabilities((4, 3), dtype), labels((4, 3)), 1e-7),
        by_hand=(
            # of labels
            (([[0.5, 0.5], [0.25, 0.75]], [0, 0], 0.0), 1.5 * LN2),  # (ln 2 + ln 4) / 2
            (([[1.0, 0.0]], [0], 0.0), 0.0),
            (([[1.0, 0.0]], [1], 0.25), 2 * LN2),
            (([[1.0, 0.0]], [1], 0.0), inf),
            (([[1.0, -1.0]], [1], 0.0), nan),
            (([[nan, 1.0]], [1], 0.0), 0.0),  # what is not chosen does not count
            (([[nan, 1.0]], [0], 0.0), nan),
            (([[inf, 1.0]], [0], 0.0), -inf),
            # of targets
            (([[0.5, 0.5], [0.25, 0.75]], [[0.5, 0.5], [1.0, 0.0]], 0.0), 1.5 * LN2),  # (ln 2 + ln 4) / 2
            (([[1.0, 0.0]], [[1.0, 0.0]], 0.0), 0.0),  # 0 log 0 is 0
            (([[1.0, 0.0]], [[0.0, 1.0]], 0.25), 2 * LN2),
            (([[1.0, 0.0]], [[0.0, 1.0]], 0.0), inf),
            (([[1.0, -1.0]], [[1.0, 0.0]], 0.0), nan),  # a probability below 0 shows, chosen or not
            (([[1.0, nan]], [[1.0, 0.0]], 0.0), nan),
            (([[1.0, inf]], [[1.0, 0.0]], 0.0), nan),
            (([[1.0, 0.5]], [[1.0, nan]], 0.0), nan),
            (([[inf, 0.0]], [[1.0, 0.0]], 0.0), -inf),  # and 0 log 0 is 0 beside it
            (([[1.0, -0.25]], [[1.0, 0.0]], 0.25), -log(1.25)),  # here as well
        ),
        # Every y here is exact in float32 and the sums are taken in float64, so only the last rounding differs.
        rtol=eps_times(1),
        scalar=None,
        labels=(np.intp, np.uint8),
        textbook=(
            Textbook(
                name="cross_entropy_labels",
                arguments=lambda shape, dtype: (probabilities(shape, dtype), labels(shape)),
            ),
            Textbook(
                name="cross_entropy_one_hot",
                arguments=lambda shape, dtype: (probabilities(shape, dtype), one_hot(shape, dtype)),
            ),
        ),
    ),
    Kernel(
        name="are_probabilities",
        arguments=lambda dtype: (probabilities((4, 3), dtype),),
        by_hand=tuple(
            ((np.resize(t, (7, 5)).tolist(),), right)  # also past the lanes of the loop
            for t, right in (
                ([0.0, 1.0], True),
                ([0.5, -0.0], True),
                ([1e-45, nan], True),
                ([nan], True),
                ([0.5, nan, -1e-30], False),
                ([1 + 2.0**-23, 0.0], False),
                ([inf], False),
                ([-inf, nan], False),
            )
        ),
        scalar=bool,
    ),
    Kernel(
        name="binary_cross_entropy",
        arguments=lambda dtype: (*yes_or_no(12, dtype), 1e-7),
        by_hand=(
            (([0.5, 0.25], [1.0, 0.0], 0.0), (LN2 + 2 * LN2 - LN3) / 2),  # -ln 1/2 and -ln 3/4
            (([0.25], [0.5], 0.0), 2 * LN2 - LN3 / 2),  # (ln 4 + ln 4 - ln 3) / 2
            (([0.0, 1.0], [0.0, 1.0], 0.0), 0.0),  # 0 log 0 is 0
            (([0.0, 1.0, 0.5], [0.0, 1.0, 0.5], 0.0), LN2 / 3),
            (([0.0], [1.0], 0.25), 2 * LN2),
            (([1.0], [0.0], 0.0), inf),
            (([1.5], [1.0], 0.0), nan),
            (([nan], [1.0], 0.0), nan),
            (([0.5], [nan], 0.0), nan),
        ),
        rtol=lambda _: (4e-16,),  # as for the cross-entropy, and the result is in double
        textbook=(Textbook(name="binary_cross_entropy", arguments=yes_or_no, of_rows=False),),
    ),
    Kernel(name="relu_with_mask", arguments=lambda dtype: (scores((4, 3), dtype),)),
    Kernel(
        name="zero_where",
        arguments=lambda dtype: (scores((4, 3), dtype), scores((4, 3), dtype) > 1),
        by_hand=(
            (([[1.0, -2.0, nan]], np.array([[True, False, True]])), [[0.0, -2.0, 0.0]]),
            (([inf, nan, -0.0], np.array([True, False, False])), [0.0, nan, -0.0]),
        ),
    ),
    Kernel(
        name="normalize",
        arguments=lambda dtype: (
            scores((7, 5), dtype), scores((5,), dtype), scores((5,), dtype), scores((5,), np.float64),
            abs(scores((5,), np.float64)), 0.9, 1e-6,
        ),
        by_hand=(
            # mean 2, variance 1; mean 0, variance 4. With eps 3 and 5, std is 2 and 3.
            (
                ([[1.0], [3.0]], [4.0], [10.0], np.array([6.0]), np.array([5.0]), 0.5, 3.0),
                ([[8.0], [12.0]], [[-0.5], [0.5]], [[-1.0], [1.0]], np.array([4.0]), np.array([3.0]), [2.0]),
            ),
            (
                ([[2.0, 7.0], [-2.0, 7.0]], [3.0, 1.0], [20.0, 5.0], np.full(2, 8.0), np.full(2, 8.0), 0.25, 5.0),
                (
                    [[22.0, 5.0], [18.0, 5.0]], [[2 / 3, 0.0], [-2 / 3, 0.0]], [[2.0, 0.0], [-2.0, 0.0]],
                    np.array([2.0, 7.25]), np.array([5.0, 2.0]), [3.0, 5.0**0.5],
                ),
            ),
            # with the ReLU behind it
            (
                (
                    [[1.0], [3.0]], [4.0], [0.0], np.zeros(1), np.zeros(1), 0.0, 3.0, np.empty((2, 1), bool),
                ),
                ([[0.0], [2.0]], [[-0.5], [0.5]], [[-1.0], [1.0]], np.array([2.0]), np.array([1.0]), [2.0]),
            ),
            (
                ([[nan], [1.0]], [1.0], [0.0], np.zeros(1), np.zeros(1), 0.0, 1.0),
                ([[nan], [nan]], [[nan], [nan]], [[nan], [nan]], np.array([nan]), np.array([nan]), [nan]),
            ),
        ),
        rtol=eps_times(*[8] * 6),
    ),
    Kernel(
        name="normalize_gradient",
        arguments=lambda dtype: (
            scores((7, 5), dtype), scores((7, 5), dtype) / 3, scores((7, 5), dtype) / 2, scores((5,), dtype),
            abs(scores((5,), dtype)),
        ),
        by_hand=(
            # dbeta 6, dgamma 1; 3 / 2 (dout - 3 - xc / 4)
            (
                ([[2.0], [4.0]], [[-0.5], [0.5]], [[-1.0], [1.0]], [3.0], [2.0]),
                ([[-1.125], [1.125]], [1.0], [6.0]),
            ),
            # the same, where dout counts as 0 in a third sample with xn and xc 0: 3 / 2 (dout - 2 - xc / 6)
            (
                (
                    [[2.0], [4.0], [nan]], [[-0.5], [0.5], [0.0]], [[-1.0], [1.0], [0.0]], [3.0], [2.0],
                    np.array([[False], [False], [True]]),
                ),
                ([[0.25], [2.75], [-3.0]], [1.0], [6.0]),
            ),
        ),
        rtol=eps_times(*[8] * 3),
    ),
    Kernel(
        name="im2col",
        arguments=lambda dtype: (scores((2, 3, 5, 4), dtype), 3, 2, 2, 1),
        by_hand=(
            (([[[[1.0, 2.0, 3.0], [4.0, nan, inf]]]], 2, 2, 1, 0), [[1.0, 2.0, 4.0, nan], [2.0, 3.0, nan, inf]]),
            # two channels of one pixel, each with a border of 0
            (
                ([[[[1.0]], [[2.0]]]], 1, 2, 1, 1),
                [[0.0] * 4, [0.0] * 4, [0.0, 1.0, 0.0, 2.0], [1.0, 0.0, 2.0, 0.0], [0.0] * 4, [0.0] * 4],
            ),
        ),
    ),
    Kernel(
        name="col2im",
        arguments=lambda dtype: (scores((2 * 3 * 3, 18), dtype), (2, 3, 5, 4), 3, 2, 2, 1),
        by_hand=(
            (([[1.0, 2.0], [3.0, inf], [nan, 5.0]], (1, 1, 1, 4), 1, 2, 1, 0), [[[[1.0, 5.0, nan, 5.0]]]]),
            # what lies in the padding does not count
            (
                ([[9.0, 9.0, 9.0, 1.0, 9.0, 9.0], [9.0, 9.0, 2.0, 9.0, 9.0, 9.0]], (1, 1, 1, 2), 3, 2, 2, 1),
                [[[[1.0, 2.0]]]],
            ),
        ),
    ),
    Kernel(
        name="convolution",
        arguments=lambda dtype: (
            scores((2, 3, 5, 4), dtype), scores((4, 3, 3, 2), dtype), scores((4,), dtype), 2, 1,
        ),
        by_hand=(
            # 1 - 2 + 10, 2 - 3 + 10; 4 + 20, 5 + 20
            (
                (
                    [[[[1.0, 2.0, 3.0]], [[4.0, 5.0, 6.0]]]],
                    [[[[1.0, -1.0]], [[0.0, 0.0]]], [[[0.0, 0.0]], [[1.0, 0.0]]]],
                    [10.0, 20.0], 1, 0,
                ),
                [[[[9.0, 9.0]], [[24.0, 25.0]]]],
            ),
            # 0 times inf is nan
            (([[[[1.0, inf, 2.0]]]], [[[[0.0, 1.0]]]], [0.0], 1, 0), [[[[inf, nan]]]]),
            (([[[[1.0, nan, 2.0]]]], [[[[2.0]]]], [1.0], 2, 0), [[[[3.0, 5.0]]]]),
        ),
    ),
    Kernel(
        name="convolution_gradient",
        arguments=lambda dtype: (
            scores((2, 4, 3, 3), dtype), scores((2, 3, 5, 4), dtype), scores((4, 3, 3, 2), dtype), 2, 1,
        ),
        by_hand=(
            # out = (w0 x0 + w1 x1, w0 x1 + w1 x2)
            (
                ([[[[10.0, 100.0]]]], [[[[1.0, 2.0, 3.0]]]], [[[[5.0, 7.0]]]], 1, 0),
                ([[[[50.0, 570.0, 700.0]]]], [[[[210.0, 320.0]]]], [110.0]),
            ),
            # what no filter covers has the gradient 0
            (
                ([[[[10.0, 100.0]]]], [[[[1.0, nan, 3.0, inf]]]], [[[[5.0]]]], 2, 0),
                ([[[[50.0, 0.0, 500.0, 0.0]]]], [[[[310.0]]]], [110.0]),
            ),
        ),
        rtol=eps_times(8, 8, 8),
    ),
    Kernel(
        name="affine",
        arguments=lambda dtype: (scores((7, 3), dtype), scores((3, 5), dtype), scores((5,), dtype)),
        by_hand=(
            (([[1.0, 2.0]], [[3.0, 0.0, 1.0], [4.0, inf, nan]], [10.0, 20.0, 30.0]), [[21.0, inf, nan]]),
            (([[0.0, 2.0]], [[inf], [4.0]], [0.0]), [[nan]]),
        ),
    ),
    Kernel(
        name="affine_gradient",
        arguments=lambda dtype: (scores((7, 5), dtype), scores((7, 3), dtype), scores((3, 5), dtype)),
        by_hand=(
            (
                ([[1.0], [10.0]], [[1.0, 2.0], [3.0, nan]], [[5.0], [7.0]]),
                ([[5.0, 7.0], [50.0, 70.0]], [[31.0], [nan]], [11.0]),
            ),
        ),
        rtol=eps_times(8, 8, 8),
    ),
    Kernel(name="pooling", arguments=lambda dtype: (scores((2, 3, 5, 4), dtype), 3, 2, 1, 0)),
    Kernel(
        name="pooling_gradient",
        arguments=lambda dtype: (
            scores((2, 3, 3, 3), dtype), np.arange(54, dtype=np.intc).reshape(2, 3, 3, 3) % 6, (2, 3, 5, 4), 3, 2, 1, 0,
        ),
    ),
    Kernel(name="is_movable", arguments=lambda dtype: (to_update(2)(dtype),)),
    Kernel(name="descend", arguments=to_update(0, 0.1), changes=(0,)),
    Kernel(name="momentum", arguments=to_update(1, 0.1, 0.9), changes=(0, 2)),
    Kernel(name="nesterov", arguments=to_update(1, 0.1, 0.9), changes=(0, 2)),
    Kernel(name="adagrad", arguments=to_update(1, 0.1), changes=(0, 2)),
    Kernel(name="rmsprop", arguments=to_update(1, 0.1, 0.99), changes=(0, 2)),
    Kernel(name="adam", arguments=to_update(2, 0.1, 0.9, 0.999), changes=(0, 2, 3)),
    Kernel(name="plain_parameters", arguments=named_parameters, returns_inputs=True),
    Kernel(
        name="network_predict",
        arguments=lambda dtype: (scores((7, 3), dtype), network(3, 5, 4)(dtype), "sigmoid", "softmax"),
    ),
    Kernel(
        name="network_gradient",
        arguments=lambda dtype: (
            scores((7, 3), dtype), labels((7, 4)), network(3, 5, 4)(dtype), "sigmoid", "softmax",
        ),
    ),
    Kernel(name="add_decay", arguments=to_update(0, 0.1), changes=(0,)),
    Kernel(name="sum_of_squares", arguments=lambda dtype: (scores((5, 3), dtype),)),
    Kernel(
        name="two_layer_differences",
        arguments=lambda dtype: (scores((7, 3), dtype), labels((7, 4)), *network(3, 5, 4)(dtype), 1e-4),
        atol=1e-11,  # a rounding of the loss over 2 h
        dtypes=(np.float64,),
    ),
    Kernel(
        name="layer_differences",
        arguments=lambda dtype: (
            scores((7, 3), dtype), labels((7, 4)), network(3, 5, 6, 4)(dtype), "tanh", "softmax", 1e-4,
        ),
        atol=1e-11,
        dtypes=(np.float64,),
    ),
]

KERNELS = [*(each.kernel for each in ELEMENTWISE if each.has_kernel), *OTHERS]


def is_labels(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, int) for each in value)


def made(values: tuple[Any, ...], dtype: Any, label: Any = np.intp) -> tuple[Any, ...]:
    """The arguments of a `ByHand`: a list of integers becomes labels, any other an array of the dtype."""
    return tuple(
        np.array(value, label if is_labels(value) else dtype) if isinstance(value, list) else value for value in values
    )


# --- the public functions, on a hostile array x ----------------------------------------------------------------------


def shape_of(x: Any) -> tuple[int, ...]:
    return np.asarray(x).shape  # of a dict, too: np.shape would ask it for its length


def labels_for(x: Any) -> Any:
    *batch, classes = shape_of(x) or (1,)
    return np.arange(np.prod(batch, dtype=int)).reshape(batch) % max(classes, 1)


def probabilities_for(x: Any) -> Any:
    shape = shape_of(x)
    return np.linspace(0, 1, num=np.prod(shape, dtype=int)).reshape(shape)


def a_quarter_for(x: Any) -> Any:
    return np.full(shape_of(x), 0.25)


def pieces_for(x: Any) -> tuple[Any, Any]:
    """Weights and biases of two pieces."""
    inputs = shape_of(x)[-1] if shape_of(x) else 1
    return np.linspace(-1, 1, 4 * inputs).reshape(2, inputs, 2), np.zeros((2, 2))


def ones_for(x: Any, outputs: int) -> Any:
    return np.ones((*shape_of(x)[:-1], outputs))


def gradient_of_loss(x: Any, t: Any) -> Any:
    return functions.softmax_cross_entropy(x, t, return_grad=True)[1]


def a_loss(
    name: str, *calls: Call, argument: str = "y", predictions_for: Call = probabilities_for
) -> Function:
    loss = getattr(functions, name)
    return Function(
        name=name,
        argument=argument,
        is_loss=True,
        calls=(
            lambda x: loss(x, probabilities_for(x)),
            lambda x: loss(x, labels_for(x)),
            lambda x: loss(x, labels_for(x)[..., None]),
            lambda x: loss(predictions_for(x), x),  # now the targets are hostile
            lambda x: loss(np.full((4, 3), 0.25, np.float32), x),
            lambda x: loss(x, 7),
            *calls,
        ),
    )


FUNCTIONS = [
    *(each.function for each in ELEMENTWISE),
    Function(
        name="softmax",
        calls=(functions.softmax, *(partial(functions.softmax, axis=axis) for axis in (0, -2, 2, "0"))),
    ),
    Function(
        name="maxout",
        calls=(
            lambda x: functions.maxout(x, *pieces_for(x)),
            lambda x: functions.maxout(np.ones((2, 2), np.float32), x, np.ones((2, 4))),
            lambda x: functions.maxout(np.ones(3), np.ones((4, 3, 3)), x),
        ),
    ),
    Function(
        name="maxout_grad",
        calls=(
            *(lambda x, i=i: functions.maxout_grad(x, *pieces_for(x), ones_for(x, 2))[i] for i in range(3)),
            lambda x: functions.maxout_grad(np.ones((4, 1)), np.ones((2, 1, 3)), np.ones((2, 3)), x)[0],
        ),
    ),
    a_loss("sum_squared_error"),
    a_loss("mean_squared_error"),
    a_loss(
        "binary_cross_entropy",
        lambda x: functions.binary_cross_entropy(x, probabilities_for(x), eps=0),
        # Of predictions on either side of 1/2, the terms of huge targets would cancel, and leave a rounding error.
        predictions_for=a_quarter_for,
    ),
    a_loss(
        "cross_entropy_error",
        lambda x: functions.cross_entropy_error(x, labels_for(x), eps=0),
        lambda x: functions.cross_entropy_error(x, probabilities_for(x), eps=0.5),
        lambda x: functions.cross_entropy_error(x, x, eps=-1),
    ),
    a_loss("softmax_loss", argument="x"),
    a_loss("softmax_cross_entropy", lambda x: gradient_of_loss(x, labels_for(x)), argument="x"),
]
