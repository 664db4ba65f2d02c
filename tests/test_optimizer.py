"""The optimizers: the book's formulas to the last bit, whatever they are given to move, and all of it or nothing."""

import copy
import math
import pickle
import weakref

import numpy as np
import pytest
from hostile import snapshot

from fastnet.optimizer import SGD, AdaGrad, Adam, CosineDecay, Momentum, Nesterov, RMSprop, StepDecay

FLOATS = pytest.mark.parametrize("dtype", ["f4", "f8"])


# --- the formulas ----------------------------------------------------------------------------------------------------
# As the book has them: `s` is what an optimizer remembers, by its attributes, and t counts the updates from 1 on.


def sgd(p, g, *_, lr=0.01):
    return p - lr * g


def momentum(p, g, s, _, lr=0.01, momentum=0.9):
    s["v"] = momentum * s["v"] - lr * g
    return p + s["v"]


def nesterov(p, g, s, _, lr=0.01, momentum=0.9):
    p = p + momentum * momentum * s["v"]
    p = p - (1 + momentum) * lr * g
    s["v"] = momentum * s["v"] - lr * g
    return p


def adagrad(p, g, s, _, lr=0.01):
    s["h"] = s["h"] + g * g
    return p - lr * g / (np.sqrt(s["h"]) + 1e-7)


def rmsprop(p, g, s, _, lr=0.01, decay_rate=0.99):
    s["h"] = decay_rate * s["h"] + (1 - decay_rate) * g * g
    return p - lr * g / (np.sqrt(s["h"]) + 1e-7)


def adam(p, g, s, t, lr=0.001, beta1=0.9, beta2=0.999):
    lr_t = lr * np.sqrt(1 - beta2**t) / (1 - beta1**t)
    s["m"] = s["m"] + (1 - beta1) * (g - s["m"])
    s["v"] = s["v"] + (1 - beta2) * (g**2 - s["v"])
    # float: NumPy 2 would widen float32 by the float64 that np.sqrt makes
    return p - float(lr_t) * s["m"] / (np.sqrt(s["v"]) + 1e-7)


FORMULAS = {SGD: sgd, Momentum: momentum, Nesterov: nesterov, AdaGrad: adagrad, RMSprop: rmsprop, Adam: adam}
REMEMBERED = {SGD: [], Momentum: ["v"], Nesterov: ["v"], AdaGrad: ["h"], RMSprop: ["h"], Adam: ["m", "v"]}
# Numbers other than the defaults, none of them exact in binary.
OTHERS = {
    SGD: {"lr": 0.3},
    Momentum: {"lr": 0.3, "momentum": 0.7},
    Nesterov: {"lr": 0.3, "momentum": 0.7},
    AdaGrad: {"lr": 0.3},
    RMSprop: {"lr": 0.3, "decay_rate": 0.7},
    Adam: {"lr": 0.3, "beta1": 0.7, "beta2": 0.8},
}

EACH = pytest.mark.parametrize("make", FORMULAS, ids=lambda make: make.__name__)
THOSE_THAT_REMEMBER = pytest.mark.parametrize(
    "make", [make for make in FORMULAS if REMEMBERED[make]], ids=lambda make: make.__name__
)


class Book:
    """One parameter as the formula moves it."""

    def __init__(self, make, p, **numbers):
        self.formula, self.numbers = FORMULAS[make], numbers
        self.p, self.t = p.copy(), 0
        self.s = {name: np.zeros_like(p) for name in REMEMBERED[make]}

    def update(self, g):
        self.t += 1
        self.p = self.formula(self.p, g, self.s, self.t, **self.numbers)


def random(*shape, dtype="f8", seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


# --- the arithmetic --------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("backend")
@EACH
@FLOATS
@pytest.mark.parametrize("defaults", [True, False])
def test_an_optimizer_follows_its_formula_to_the_last_bit(make, dtype, defaults):
    numbers = {} if defaults else OTHERS[make]
    params = {"W": random(5, 7, dtype=dtype), "b": random(3, dtype=dtype, seed=1)}
    book = {name: Book(make, p, **numbers) for name, p in params.items()}
    before, optimizer = dict(params), make(**numbers)
    for t in range(20):
        grads = {name: random(*p.shape, dtype=dtype, seed=2 + t) for name, p in params.items()}
        kept = copy.deepcopy(grads)
        optimizer.update(params, grads)
        for name, p in params.items():
            book[name].update(grads[name])
            assert p is before[name]
            assert p.dtype == dtype
            assert np.array_equal(p, book[name].p)
            assert np.array_equal(grads[name], kept[name])
            for attribute in REMEMBERED[make]:
                assert getattr(optimizer, attribute)[name].dtype == dtype
                assert np.array_equal(getattr(optimizer, attribute)[name], book[name].s[attribute])


@FLOATS
@pytest.mark.parametrize("size", [0, 1, 7, 64, 1023, 2500])
def test_the_twins_agree_to_the_last_bit(twins, size, dtype):
    # Gradients of all magnitudes: products of theirs become subnormal, 0 and infinite.
    exponents = np.random.default_rng(5).uniform(*np.log10([np.finfo(dtype).tiny, np.finfo(dtype).max]), size)
    g = (np.sign(random(size)) * 10**exponents).astype(dtype)
    numbers = {
        "descend": (0, 0.1), "momentum": (1, 0.1, 0.9), "nesterov": (1, 0.1, 0.9),
        "adagrad": (1, 0.1), "rmsprop": (1, 0.1, 0.99), "adam": (2, 0.1, 0.9, 0.999),
    }
    for name, (remembered, *rest) in numbers.items():
        start = [random(size, dtype=dtype), g, *(np.abs(random(remembered, size, dtype=dtype, seed=1)))]
        compiled, plain = (copy.deepcopy(start) for _ in twins)
        with np.errstate(all="raise"):
            for kernels, arrays in zip(twins, (compiled, plain), strict=True):
                for _ in range(3):
                    getattr(kernels, name)(*arrays, *rest)
        assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(compiled, plain, strict=True)), name
        assert np.array_equal(compiled[1], g)
        assert size < 7 or not np.array_equal(compiled[0], start[0])


def overlapping(dtype="f8"):
    memory = np.ones(8, dtype)
    return memory[:6], memory[2:]


FREE = [np.ones((2, 3)) for _ in range(4)]
FIXED = np.ones((2, 3))
FIXED.flags.writeable = False


@pytest.mark.parametrize(
    ("arrays", "movable"),
    [
        (FREE[:2], True),
        (FREE, True),
        ([array.astype("f4") for array in FREE], True),
        ([FREE[0], FIXED, FREE[1]], True),
        ([np.ones(0), np.ones(0)], True),
        ([FIXED, FREE[0]], False),
        ([FREE[0], FREE[1], FIXED], False),
        ([FREE[0], FREE[0]], False),
        ([FREE[0], FREE[1], FREE[1]], False),
        ([FREE[0], FREE[1], FREE[2], FREE[0]], False),
        (overlapping(), False),
        ([FREE[0], FREE[1].T.copy()], False),
        ([FREE[0], np.ones(6)], False),
        ([FREE[0], FREE[1].astype("f4")], False),
        ([FREE[0].astype("f4"), FREE[1]], False),
        ([array.astype("f2") for array in FREE], False),
        ([array.astype("i8") for array in FREE], False),
        ([array.astype(array.dtype.newbyteorder()) for array in FREE], False),
        ([np.asfortranarray(array) for array in FREE], False),
        ([array.view(np.matrix) for array in FREE], False),
        ([np.array(1.0), np.array(1.0)], False),
        ([1.0, 1.0], False),
        ([FREE[0], None], False),
        ([FREE[0], FREE[1], None], False),
        ([FREE[0], FREE[1].tolist()], False),
    ],
)
def test_a_kernel_moves_what_needs_no_conversion(kernels, arrays, movable):
    assert kernels.is_movable(tuple(arrays)) is movable


def test_the_defaults_are_the_books():
    assert [vars(make()) for make in FORMULAS] == [
        {"lr": 0.01},
        {"lr": 0.01, "momentum": 0.9, "v": None},
        {"lr": 0.01, "momentum": 0.9, "v": None},
        {"lr": 0.01, "h": None},
        {"lr": 0.01, "decay_rate": 0.99, "h": None},
        {"lr": 0.001, "beta1": 0.9, "beta2": 0.999, "iter": 0, "m": None, "v": None},
    ]
    assert vars(Momentum(0.5, 0.25)) == {"lr": 0.5, "momentum": 0.25, "v": None}
    assert vars(Adam(0.5, 0.25, 0.125)) == {"lr": 0.5, "beta1": 0.25, "beta2": 0.125, "iter": 0, "m": None, "v": None}


@pytest.mark.parametrize("made", [SGD(0.5), Momentum(momentum=0.5), Nesterov(), AdaGrad(), RMSprop(), Adam(beta2=0.9)])
def test_it_shows_itself_as_what_makes_it(made):
    again = eval(repr(made))
    assert type(again) is type(made)
    assert vars(again) == vars(made)


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize(
    ("make", "lr"), [(SGD, 0.95), (Momentum, 0.1), (Nesterov, 0.1), (AdaGrad, 1.5), (RMSprop, 0.3), (Adam, 0.3)]
)
def test_python_floats_are_replaced_as_in_chapter_6(make, lr):
    """The book's naive comparison: down f(x, y) = x²/20 + y² from (-7, 2)."""
    params, optimizer = {"x": -7.0, "y": 2.0}, make(lr=lr)
    book = {name: Book(make, np.array([value]), lr=lr) for name, value in params.items()}
    for _ in range(30):
        grads = {"x": params["x"] / 10, "y": 2 * params["y"]}
        optimizer.update(params, grads)
        for name, value in params.items():
            book[name].update(np.array([grads[name]]))
            assert type(value) is float
            assert value == book[name].p.item()
    assert params["x"] ** 2 / 20 + params["y"] ** 2 < 0.3 * (49 / 20 + 4)


# --- against PyTorch -------------------------------------------------------------------------------------------------


def pytorch(make, torch, p, **numbers):
    """PyTorch's optimizer of the same steps."""
    lr = numbers["lr"]
    match make.__name__:
        case "SGD":
            return torch.optim.SGD([p], lr=lr)
        case "Momentum" | "Nesterov":
            # Its velocity is ours over -lr, so this holds while lr is what it was.
            return torch.optim.SGD([p], lr=lr, momentum=numbers["momentum"], nesterov=make is Nesterov)
        case "AdaGrad":
            return torch.optim.Adagrad([p], lr=lr, eps=1e-7)
        case "RMSprop":
            return torch.optim.RMSprop([p], lr=lr, alpha=numbers["decay_rate"], eps=1e-7)
        case "Adam":
            return torch.optim.Adam([p], lr=lr, betas=(numbers["beta1"], numbers["beta2"]))


@pytest.mark.usefixtures("backend")
@EACH
@FLOATS
def test_pytorch_takes_the_same_steps(make, dtype):
    torch = pytest.importorskip("torch")
    start, numbers = random(40, dtype=dtype), OTHERS[make]
    params, optimizer = {"W": start.copy()}, make(**numbers)
    theirs = torch.from_numpy(start.copy())
    peer = pytorch(make, torch, theirs, **numbers)
    for t in range(1, 21):
        g = random(40, dtype=dtype, seed=t)
        if make is Adam:
            # It divides by sqrt(v / (1 - beta2**t)) + eps, we by sqrt(v) + 1e-7 and then all by sqrt(1 - beta2**t).
            peer.param_groups[0]["eps"] = 1e-7 / math.sqrt(1 - numbers["beta2"] ** t)
        optimizer.update(params, {"W": g})
        theirs.grad = torch.from_numpy(g)
        peer.step()
    # A few roundings in each of 20 steps, of numbers up to 10.
    np.testing.assert_allclose(params["W"], theirs.numpy(), rtol=0, atol=500 * np.finfo(dtype).eps)
    assert np.abs(params["W"] - start).min() > 1e-3


# --- what is moved ---------------------------------------------------------------------------------------------------


def unaligned(a):
    view = np.zeros(a.nbytes + 1, np.uint8)[1:].view(a.dtype).reshape(a.shape)
    view[...] = a
    return view


KINDS = {
    "plain": lambda p, g: (p, g),
    "transposed": lambda p, g: (p.T, g.T),
    "transposed gradient": lambda p, g: (p.reshape(4, 6), g.T),
    "strided": lambda p, g: (p[::2], g[::2]),
    "negative strides": lambda p, g: (p[::-1, ::-1], g),
    "unaligned": lambda p, g: (unaligned(p), unaligned(g)),
    "swapped": lambda p, g: (p.astype(p.dtype.newbyteorder()), g),
    "swapped gradient": lambda p, g: (p, g.astype(g.dtype.newbyteorder())),
    "wider gradient": lambda p, g: (p, g.astype("f8")),
    "narrower gradient": lambda p, g: (p, g.astype("f4")),
    "half": lambda p, g: (p.astype("f2"), g.astype("f2")),
    "half gradient": lambda p, g: (p, g.astype("f2")),
    "integer gradient": lambda p, g: (p, (4 * g).astype("i8")),
    "list": lambda p, g: (p, g.tolist()),
    "itself": lambda p, _: (p, p),
    "overlap": lambda p, _: (p[1:], p[:-1]),
    "matrix": lambda p, g: (p.view(np.matrix), g),
    "no dimension": lambda p, g: (p[0, 0, ...], g[0, 0, ...]),
    "empty": lambda p, g: (p[:0], g[:0]),
}


@pytest.mark.usefixtures("backend")
@EACH
@FLOATS
@pytest.mark.parametrize("change", KINDS.values(), ids=KINDS)
def test_an_array_of_any_kind_is_moved_in_place(make, change, dtype):
    p, g = change(random(6, 4, dtype=dtype), random(6, 4, dtype=dtype, seed=1))
    gradient = np.array(g)
    # In the wider of the two dtypes, at least float32, and rounded to that of the parameter after every update. With a
    # dimension, or NumPy 1.26 would widen it further.
    computed = np.result_type(p.dtype, gradient.dtype, "f4")
    book = Book(make, np.array(p, computed, ndmin=1))
    params, optimizer = {"W": p}, make()
    for _ in range(3):
        book.update(np.array(g, computed, ndmin=1))  # which may be the parameter itself
        book.p = book.p.astype(p.dtype).astype(computed)
        optimizer.update(params, {"W": g})
        assert params["W"] is p
        assert np.array_equal(p, book.p.reshape(p.shape))
    for attribute in REMEMBERED[make]:
        assert np.array_equal(getattr(optimizer, attribute)["W"], book.s[attribute].reshape(p.shape))


@pytest.mark.usefixtures("backend")
@EACH
def test_what_lies_between_the_elements_is_left_alone(make):
    memory = random(6, 8)
    before = memory.copy()
    make().update({"W": memory[::2, ::4]}, {"W": np.ones((3, 2))})
    changed = memory != before
    assert changed[::2, ::4].all()
    assert changed.sum() == 6


@pytest.mark.usefixtures("backend")
@EACH
@pytest.mark.parametrize(
    ("number", "kind"),
    [(1.0, float), (1, float), (np.float64(1), np.float64), (np.float32(1), np.float32), (np.float16(1), np.float16),
     (np.int64(1), float)],
)
def test_a_number_is_replaced_by_a_float_of_its_kind(make, number, kind):
    params, optimizer, book = {"x": number}, make(lr=0.5), Book(make, np.array([number], "f8"), lr=0.5)
    for gradient in (2.0, np.array(0.5), 1):
        optimizer.update(params, {"x": gradient})
        book.update(np.array([gradient], "f8"))
        assert type(params["x"]) is kind
        assert params["x"] == kind(book.p[0])
        book.p = np.array([params["x"]], "f8")


@pytest.mark.usefixtures("backend")
@EACH
def test_a_number_beside_copies_of_arrays_goes_on(make):
    grads = {"W": np.array([1.0, 2.0]), "x": 3.0}
    params, optimizer = {"W": np.ones(2), "x": 1.0}, make()
    others, expected = {"W": np.ones(2), "x": 1.0}, make()
    for _ in range(2):
        optimizer.update(params, grads)
        params = {"W": params["W"].copy(), "x": params["x"]}
        expected.update(others, grads)
    assert params["x"] == others["x"]
    assert np.array_equal(params["W"], others["W"])


@pytest.mark.usefixtures("backend")
@EACH
@FLOATS
def test_infinity_and_nan_raise_no_warning_and_stay_where_they_are(make, dtype):
    huge = np.finfo(dtype).max
    p = np.array([1, 1, 1, 1, huge], dtype)
    g = np.array([1, np.nan, np.inf, huge, -huge], dtype)
    params, optimizer, book = {"W": p}, make(lr=10.0), Book(make, p, lr=10.0)
    for _ in range(2):
        with np.errstate(all="raise"):
            optimizer.update(params, {"W": g})
        with np.errstate(all="ignore"):
            book.update(g)
    assert np.array_equal(p, book.p, equal_nan=True)
    assert np.isfinite(p[0])
    assert np.isnan(p[1])


@pytest.mark.usefixtures("backend")
def test_a_half_that_grows_too_large_is_infinite():
    params = {"W": np.float16([60000]), "x": np.float16(60000)}
    with np.errstate(all="raise"):
        SGD(lr=1.0).update(params, {"W": np.float16([-60000]), "x": -60000.0})
    assert [params["W"][0], params["x"]] == [np.inf, np.inf]


@EACH
def test_a_half_is_remembered_in_float32(make):
    """The square of 1e-4 is 0 in float16, and the step would be 1000 times as long as lr."""
    params, optimizer = {"W": np.float16([1.0])}, make(lr=0.5)
    optimizer.update(params, {"W": np.float16([1e-4])})
    for attribute in REMEMBERED[make]:
        assert getattr(optimizer, attribute)["W"].dtype == np.float32
        assert getattr(optimizer, attribute)["W"] != 0
    assert abs(params["W"][0] - 1) < 5.01  # RMSprop's first step is lr over the root of 0.01


# --- what is remembered ----------------------------------------------------------------------------------------------


@THOSE_THAT_REMEMBER
def test_nothing_is_remembered_before_the_first_update(make):
    optimizer = make()
    assert all(getattr(optimizer, attribute) is None for attribute in REMEMBERED[make])
    optimizer.update({"W": np.ones(2)}, {"W": np.ones(2)})
    memories = [getattr(optimizer, attribute) for attribute in REMEMBERED[make]]
    assert all(list(memory) == ["W"] for memory in memories)
    assert len({id(memory["W"]) for memory in memories}) == len(memories)


def test_adam_counts_its_updates():
    params, optimizer = {"W": np.ones(2), "b": np.ones(2)}, Adam()
    for count in range(3):
        assert optimizer.iter == count
        optimizer.update(params, {"W": np.ones(2), "b": np.ones(2)})


@pytest.mark.usefixtures("backend")
@EACH
@pytest.mark.parametrize("replace", [np.copy, np.asfortranarray, lambda p: p.astype("f4"), lambda p: p.astype("f2")])
def test_a_parameter_may_be_replaced_by_another_of_its_shape(make, replace):
    params, optimizer, book = {"W": random(3, 4)}, make(), Book(make, random(3, 4))
    for t in range(3):
        g = random(3, 4, seed=t + 1)
        optimizer.update(params, {"W": g})
        book.update(g)
        params["W"] = replace(params["W"])
        book.p = params["W"].astype("f8")
    assert np.array_equal(params["W"], book.p)


@pytest.mark.usefixtures("backend")
@THOSE_THAT_REMEMBER
def test_some_parameters_may_be_left_out_for_a_while(make):
    ones, optimizer = np.ones(2), make()
    params = {"W": random(2), "b": random(2)}
    optimizer.update(params, {"W": ones, "b": ones})
    kept = {attribute: getattr(optimizer, attribute)["b"].copy() for attribute in REMEMBERED[make]}
    optimizer.update({"W": params["W"]}, {"W": ones})
    assert all(np.array_equal(getattr(optimizer, attribute)["b"], kept[attribute]) for attribute in kept)
    optimizer.update(params, {"W": ones, "b": ones})
    assert not any(np.array_equal(getattr(optimizer, attribute)["b"], kept[attribute]) for attribute in kept)


@pytest.mark.usefixtures("backend")
@THOSE_THAT_REMEMBER
def test_what_was_left_out_may_not_be_replaced_meanwhile(make):
    ones, optimizer = np.ones(2), make()
    params = {"W": random(2), "b": random(2)}
    optimizer.update(params, {"W": ones, "b": ones})
    optimizer.update({"W": params["W"]}, {"W": ones})
    with pytest.raises(ValueError, match=r"params\['b'\] is another one"):
        optimizer.update({"W": params["W"], "b": random(2)}, {"W": ones, "b": ones})


@EACH
def test_a_gradient_may_be_the_optimizers_own_array(make):
    params, optimizer = {"W": random(3)}, make()
    book = Book(make, params["W"])
    optimizer.update(params, {"W": np.ones(3)})
    book.update(np.ones(3))
    for attribute in REMEMBERED[make]:
        optimizer.update(params, {"W": getattr(optimizer, attribute)["W"]})
        book.update(book.s[attribute].copy())
        assert np.array_equal(params["W"], book.p)


@pytest.mark.usefixtures("backend")
@EACH
@pytest.mark.parametrize("twin", [copy.deepcopy, lambda optimizer: pickle.loads(pickle.dumps(optimizer))])
def test_a_copy_goes_on_as_the_original_does(make, twin):
    params, optimizer = {"W": random(3)}, make(**OTHERS[make])
    optimizer.update(params, {"W": np.ones(3)})
    copied, params_too = twin(optimizer), copy.deepcopy(params)
    optimizer.update(params, {"W": random(3, seed=1)})
    copied.update(params_too, {"W": random(3, seed=1)})
    assert np.array_equal(params["W"], params_too["W"])


# --- what is refused -------------------------------------------------------------------------------------------------

READ_ONLY = np.ones(2)
READ_ONLY.flags.writeable = False
BAD_UPDATES = [
    ({}, {}, ValueError, r"grads has no 'last'"),
    ({}, {"last": np.zeros(3)}, ValueError, r"grads\['last'\] has shape \(3,\).*params\['last'\] has shape \(2,\)"),
    ({}, {"last": 0.0}, ValueError, r"grads\['last'\] has shape \(\)"),
    ({"last": np.array([1, 2])}, {"last": np.ones(2)}, TypeError, r"params\['last'\] holds int64"),
    ({"last": READ_ONLY}, {"last": np.ones(2)}, ValueError, r"params\['last'\] is read-only"),
    ({"last": [1.0, 2.0]}, {"last": np.ones(2)}, TypeError, r"params\['last'\] must be a float array .*got list"),
    ({"last": True}, {"last": 1.0}, TypeError, r"params\['last'\] must be a float array or a number, got bool"),
    ({"last": np.ma.ones(2)}, {"last": np.ones(2)}, TypeError, r"params\['last'\] is a masked array"),
    ({"last": np.ones(2, complex)}, {"last": np.ones(2)}, TypeError, r"params\['last'\] must hold real.*complex128"),
    ({}, {"last": np.ones(2, complex)}, TypeError, r"grads\['last'\] must hold real numbers.*complex128"),
    ({}, {"last": ["1", "2"]}, TypeError, r"grads\['last'\] must hold real numbers.*<U1"),
    ({}, {"last": np.ma.ones(2)}, TypeError, r"grads\['last'\] is a masked array"),
]
if np.dtype(np.longdouble).itemsize > 8:
    BAD_UPDATES += [
        ({"last": np.ones(2, "g")}, {"last": np.ones(2)}, TypeError, r"params\['last'\] must hold real numbers"),
        ({"last": np.longdouble(1)}, {"last": 1.0}, TypeError, r"params\['last'\] must hold real numbers"),
    ]


def everything(optimizer, params):
    """All that an update may change."""
    return [
        {name: snapshot(value) for name, value in each.items()} if isinstance(each, dict) else each
        for each in (params, *vars(optimizer).values())
    ]


@EACH
@pytest.mark.parametrize("updates_before", [0, 1])
@pytest.mark.parametrize(("params", "grads", "error", "named"), BAD_UPDATES)
def test_what_cannot_be_moved_is_named_before_anything_has_been(make, updates_before, params, grads, error, named):
    good, ones, optimizer = {"first": np.ones(2), "last": np.ones(2)}, {"first": np.ones(2), "last": np.ones(2)}, make()
    for _ in range(updates_before):
        optimizer.update(good, ones)
    params = {**good, **params}
    before = everything(optimizer, params)
    with pytest.raises(error, match=named):
        optimizer.update(params, {"first": np.ones(2), **grads})
    assert everything(optimizer, params) == before


@EACH
@pytest.mark.parametrize("bad", [None, [np.ones(1)], np.ones(1), "W"])
def test_params_and_grads_that_are_no_dicts_are_named(make, bad):
    good = {"W": np.ones(1)}
    with pytest.raises(TypeError, match=f"params must be a dict, got {type(bad).__name__}"):
        make().update(bad, good)
    with pytest.raises(TypeError, match=f"grads must be a dict, got {type(bad).__name__}"):
        make().update(good, bad)
    assert good["W"] == 1


@THOSE_THAT_REMEMBER
@pytest.mark.parametrize(
    ("last", "held"),
    [({"last": np.ones((2, 2))}, r"params\['last'\] has shape \(2, 2\), .* has shape \(2,\): other parameters need"),
     ({"last": 1.0}, r"params\['last'\] has shape \(\), .* has shape \(2,\)"),
     ({"last": np.ones(2), "new": np.ones(3)}, r"params\['new'\] has shape \(3,\), .* has no 'new'")],
)
def test_other_parameters_than_at_first_are_named(make, last, held):
    params, optimizer = {"first": np.ones(2), "last": np.ones(2)}, make()
    optimizer.update(params, params)
    params = {"first": params["first"], **last}
    before = everything(optimizer, params)
    with pytest.raises(ValueError, match=held):
        optimizer.update(params, {name: np.ones_like(p) for name, p in params.items()})
    assert everything(optimizer, params) == before


def test_sgd_remembers_nothing_and_takes_other_parameters():
    optimizer = SGD(0.5)
    optimizer.update({"W": np.ones(2)}, {"W": np.ones(2)})
    params = {"W": np.ones((2, 2)), "b": 1.0}
    optimizer.update(params, {"W": np.ones((2, 2)), "b": 1.0})
    assert params["b"] == 0.5
    assert (params["W"] == 0.5).all()


RATES = [(0, ValueError), (-0.1, ValueError), (math.nan, ValueError), (math.inf, ValueError), ("0.1", TypeError),
         (None, TypeError), (True, TypeError)]
FRACTIONS = [(1, ValueError), (1.5, ValueError), (-0.1, ValueError), (math.nan, ValueError), (math.inf, ValueError),
             ("0.9", TypeError), (None, TypeError), (True, TypeError)]


@pytest.mark.parametrize(
    ("make", "name", "bad", "error"),
    [(make, name, *case)
     for make in FORMULAS for name in OTHERS[make] for case in (RATES if name == "lr" else FRACTIONS)],
)
def test_a_bad_number_is_named_wherever_it_is_set(make, name, bad, error):
    optimizer = make()
    good = getattr(optimizer, name)
    allowed = "finite number above 0" if name == "lr" else "number of at least 0 and below 1"
    message = f"^{name} must be a {allowed if error is ValueError else 'number'}, got {bad!r}"
    with pytest.raises(error, match=message):
        make(**{name: bad})
    with pytest.raises(error, match=message):
        setattr(optimizer, name, bad)
    assert getattr(optimizer, name) == good


@pytest.mark.parametrize("value", [1, np.float32(0.5), np.array(0.25)])
def test_a_rate_may_be_any_number_and_counts_as_a_float(value):
    params, optimizer = {"W": np.ones(1, "f4")}, SGD()
    optimizer.lr = value
    assert type(optimizer.lr) is float
    optimizer.update(params, {"W": np.ones(1, "f4")})
    assert params["W"] == 1 - value


def test_a_share_of_0_is_none():
    for optimizer in Momentum(momentum=0), Nesterov(momentum=0):
        params = {"W": np.ones(2)}
        optimizer.update(params, {"W": np.ones(2)})
        assert (params["W"] == 1 - 0.01).all()
    RMSprop(decay_rate=0)
    Adam(beta1=0, beta2=0)


@EACH
def test_numbers_may_be_changed_between_updates(make):
    params, optimizer, book = {"W": random(3)}, make(), Book(make, random(3))
    for numbers in {}, OTHERS[make]:
        for name, value in numbers.items():
            setattr(optimizer, name, value)
        book.numbers = numbers
        optimizer.update(params, {"W": np.ones(3)})
        book.update(np.ones(3))
    assert np.array_equal(params["W"], book.p)


# --- which parameters it belongs to ----------------------------------------------------------------------------------


def parameters(seed=0, **others):
    return {"W": random(3, 2, seed=seed), "b": random(2, seed=seed + 1), **others}


def gradients(seed=5):
    return {"W": random(3, 2, seed=seed), "b": random(2, seed=seed + 1)}


FROM_ZERO = (
    "starts from zero again, because these are not the parameters of its last update: use one optimizer for each "
    "network"
)


def updated(optimizer, params, count=3):
    for seed in range(count):
        optimizer.update(params, gradients(10 * seed))
    return params


def equal(some, others):
    return all(np.array_equal(some[name], others[name]) for name in others)


@pytest.mark.usefixtures("backend")
@THOSE_THAT_REMEMBER
def test_nothing_leaks_into_another_network(make):
    optimizer = make(**OTHERS[make])
    updated(optimizer, parameters())
    with pytest.warns(RuntimeWarning, match=f"^{make.__name__} {FROM_ZERO}$") as record:
        second = updated(optimizer, parameters(50))
    assert len(record) == 1
    assert record[0].filename == __file__
    fresh = make(**OTHERS[make])
    assert equal(second, updated(fresh, parameters(50)))
    assert str(vars(optimizer)) == str(vars(fresh))


@THOSE_THAT_REMEMBER
def test_networks_one_after_the_other_are_warned_of_every_time(make):
    optimizer = make()
    updated(optimizer, parameters())
    for seed in range(50, 54):
        params = parameters(seed)
        with pytest.warns(RuntimeWarning, match="starts from zero again"):
            optimizer.update(params, gradients())
        updated(optimizer, params)


@pytest.mark.usefixtures("backend")
@THOSE_THAT_REMEMBER
@pytest.mark.filterwarnings("ignore:.* starts from zero again")
@pytest.mark.parametrize("count", [2, 3])
def test_networks_that_take_turns_are_refused(make, count):
    """It would start from zero at every turn. Python shows a warning of one place only once."""
    optimizer, networks = make(), [parameters(50 * seed) for seed in range(count)]
    for params in networks:
        optimizer.update(params, gradients())
    before = everything(optimizer, networks[0])
    message = rf"^params\['W'\] is an array of an earlier update, .* need one {make.__name__} each, or all of them"
    with pytest.raises(ValueError, match=message):
        optimizer.update(networks[0], gradients())
    assert everything(optimizer, networks[0]) == before
    updated(optimizer, networks[-1])  # it still has these
    updated(copy.deepcopy(optimizer), networks[0])  # a copy belongs to the parameters that it is given


@THOSE_THAT_REMEMBER
@pytest.mark.filterwarnings("ignore:.* starts from zero again")
def test_layers_that_take_turns_are_refused(make):
    optimizer, layers = make(), [{"W1": random(3, 2)}, {"W2": random(2, 2)}]
    for layer in layers:
        optimizer.update(layer, layer)
    with pytest.raises(ValueError, match=r"^params\['W1'\] is an array of an earlier update"):
        optimizer.update(dict(layers[0]), layers[0])
    make().update({**layers[0], **layers[1]}, {**layers[0], **layers[1]})


@pytest.mark.filterwarnings("ignore:.* starts from zero again")
def test_an_optimizer_keeps_no_network_alive():
    optimizer, params = Momentum(), parameters()
    updated(optimizer, params)
    array = weakref.ref(params["W"])
    updated(optimizer, parameters(50))
    del params
    assert array() is None


@EACH
def test_an_empty_array_is_the_same_as_any_view_of_it(make):
    base, optimizer = {"W": random(3, 2), "none": np.zeros((0, 2))}, make()
    for _ in range(3):
        views = {name: value[:] for name, value in base.items()}
        optimizer.update(views, views)


@THOSE_THAT_REMEMBER
def test_another_network_may_have_other_shapes_and_names(make):
    optimizer = make()
    updated(optimizer, parameters())
    for params in {"W": np.ones(5)}, {"U": np.ones(5)}, {"U": 1.0}:
        with pytest.warns(RuntimeWarning, match="starts from zero again"):
            optimizer.update(params, params.copy())
        assert all(list(getattr(optimizer, attribute)) == list(params) for attribute in REMEMBERED[make])


@THOSE_THAT_REMEMBER
@pytest.mark.filterwarnings("error")
def test_a_warning_that_is_made_an_error_leaves_everything_as_it_was(make):
    optimizer, params = make(), parameters(50)
    updated(optimizer, parameters())
    before = everything(optimizer, params)
    with pytest.raises(RuntimeWarning, match="starts from zero again"):
        optimizer.update(params, gradients())
    assert everything(optimizer, params) == before


def replaced(params):
    params.update({name: value.copy() for name, value in params.items()})
    return params


SAME = {
    "replaced in the dict": replaced,
    "put into another dict": dict,
    "copied into another dict": copy.deepcopy,
    "views": lambda params: {name: value[...] for name, value in params.items()},
    "without one of them": lambda params: {"W": params["W"]},
}


@pytest.mark.usefixtures("backend")
@EACH
@pytest.mark.parametrize("change", SAME.values(), ids=SAME)
def test_the_same_parameters_are_recognised(make, change):
    """As in the book's `load_params`, in layers that hold the arrays, and in loops that make a dict every time."""
    params, optimizer, expected, reference = parameters(), make(**OTHERS[make]), parameters(), make(**OTHERS[make])
    updated(optimizer, params)
    updated(reference, expected)
    for seed in range(3):
        some = change(params)
        optimizer.update(some, gradients(seed))
        reference.update({name: expected[name] for name in some}, gradients(seed))
        params.update(some)
    assert equal(params, expected)
    optimizer.update(params, gradients(7))  # and all of them again
    reference.update(expected, gradients(7))
    assert equal(params, expected)


@THOSE_THAT_REMEMBER
def test_numbers_are_the_same_by_their_names(make):
    fresh, kept = make(), make()
    params, x = {"x": 2.0}, 2.0
    for _ in range(4):
        fresh.update(params, {"x": params["x"]})
        each = {"x": x}  # a dict for every update
        kept.update(each, {"x": x})
        x = each["x"]
    assert x == params["x"]


@THOSE_THAT_REMEMBER
def test_one_array_that_stays_and_one_that_does_not_are_refused_by_name(make):
    optimizer, params = make(), parameters()
    updated(optimizer, params)
    mixed = {"W": params["W"], "b": random(2, seed=9)}
    before = everything(optimizer, mixed)
    with pytest.raises(ValueError, match=r"params\['W'\] is the array of the last update, but params\['b'\] is ano"):
        optimizer.update(mixed, gradients())
    assert everything(optimizer, mixed) == before
    optimizer.update(params, gradients())


@THOSE_THAT_REMEMBER
def test_of_several_arrays_the_first_that_stays_and_the_first_that_does_not_are_named(make):
    optimizer, params = make(), {name: np.full(2, float(number)) for number, name in enumerate("abcd")}
    ones = {name: np.ones(2) for name in params}
    optimizer.update(params, ones)
    mixed = params | {"b": np.full(2, 7.0), "d": np.full(2, 8.0)}
    with pytest.raises(ValueError, match=r"params\['a'\] is the array of the last update, but params\['b'\] is ano"):
        optimizer.update(mixed, ones)


@THOSE_THAT_REMEMBER
def test_what_is_put_back_from_a_checkpoint_belongs_to_the_next_parameters(make):
    optimizer, params = make(**OTHERS[make]), parameters()
    updated(optimizer, params)
    kept = {name: copy.deepcopy(value) for name, value in vars(optimizer).items()}
    saved = copy.deepcopy(params)
    expected = updated(optimizer, params, 2)
    again = make(**OTHERS[make])
    updated(again, parameters(70))  # it has been used before
    for name, value in kept.items():
        setattr(again, name, value)
    assert equal(updated(again, saved, 2), expected)


def test_sgd_takes_networks_in_turn_without_a_word():
    optimizer = SGD()
    for params in parameters(), parameters(50), {"W": 1.0}:
        before = copy.deepcopy(params)
        optimizer.update(params, before)
        assert params["W"] is not before["W"]


@pytest.mark.parametrize("way", [copy.copy, copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))])
@EACH
def test_a_copied_optimizer_and_network_go_on_together(make, way):
    optimizer, params = make(**OTHERS[make]), parameters()
    updated(optimizer, params)
    copied, params_too = way((copy.deepcopy(optimizer), copy.deepcopy(params)))
    assert equal(updated(copied, params_too), updated(optimizer, params))


class OwnSGD(SGD):
    def __init__(self, lr):
        self.lr = lr


class OwnMomentum(Momentum):
    v = None

    def __init__(self, lr, momentum):
        self.lr, self.momentum = lr, momentum


class OwnNew(Momentum):
    def __new__(cls, *arguments, **options):
        return super().__new__(cls, *arguments, **options)


def filled(make, **attributes):
    made = make.__new__(make)
    made.__dict__.update(attributes)
    return made


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("way", [lambda each: each, copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))])
@pytest.mark.parametrize(
    ("made", "like"),
    [
        (lambda: OwnSGD(0.5), lambda: SGD(0.5)),
        (lambda: OwnSGD(StepDecay(0.5, every=2)), lambda: SGD(StepDecay(0.5, every=2))),
        (lambda: OwnMomentum(0.5, 0.25), lambda: Momentum(0.5, 0.25)),
        (lambda: OwnNew(0.5, momentum=0.25), lambda: Momentum(0.5, 0.25)),
        (lambda: filled(SGD, lr=0.5), lambda: SGD(0.5)),
        (lambda: filled(Momentum, lr=0.5, momentum=0.25, v=None), lambda: Momentum(0.5, 0.25)),
    ],
    ids=["SGD", "schedule", "v of the class", "__new__", "SGD without __init__", "Momentum without __init__"],
)
def test_an_optimizer_needs_no_call_of_our_init(made, like, way):
    optimizer = made()
    expected, some, others = like(), parameters(), parameters()
    for _ in range(2):
        assert equal(updated(optimizer, some), updated(expected, others))
        assert optimizer.lr == expected.lr
        optimizer = way(optimizer)


def test_what_it_belongs_to_is_no_part_of_it():
    optimizer, params = Momentum(), parameters()
    before = set(vars(optimizer))
    updated(optimizer, params)
    assert set(vars(optimizer)) == before == {"lr", "momentum", "v"}


# --- schedules -------------------------------------------------------------------------------------------------------

STEPS = [0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125, 0.125]


def cosine(n):
    return 0.1 + 0.4 * (1 + math.cos(math.pi * min(n, 5) / 5)) / 2


@pytest.mark.usefixtures("backend")
@EACH
@pytest.mark.parametrize(
    ("schedule", "rates"),
    [(StepDecay(0.5, every=3, factor=0.5), STEPS),
     (CosineDecay(0.5, steps=5, lowest=0.1), [cosine(n) for n in range(8)]),
     (lambda n: 1 / (n + 1), [1 / (n + 1) for n in range(8)])],
    ids=["step", "cosine", "function"],
)  # fmt: skip
@pytest.mark.parametrize("half", [False, True], ids=["plain", "converted"])
def test_a_schedule_gives_the_rate_of_every_update(make, schedule, rates, half):
    """The steps are those of an optimizer whose rate the program sets."""
    dtype = "f2" if half else "f8"
    params, optimizer = {"W": random(4, dtype=dtype)}, make(lr=schedule)
    expected, by_hand = {"W": random(4, dtype=dtype)}, make()
    assert optimizer.lr == rates[0]
    for t, rate in enumerate(rates):
        optimizer.update(params, {"W": random(4, seed=t)})
        by_hand.lr = rate
        by_hand.update(expected, {"W": random(4, seed=t)})
        assert optimizer.lr == rate
        assert np.array_equal(params["W"], expected["W"])


@EACH
def test_a_rate_that_a_program_writes_replaces_the_schedule(make):
    optimizer, params = make(lr=StepDecay(0.5, every=1)), parameters()
    updated(optimizer, params)
    optimizer.lr = 0.25
    updated(optimizer, params)
    assert optimizer.lr == 0.25
    assert repr(optimizer).startswith(f"{make.__name__}(lr=0.25")
    optimizer.lr = StepDecay(0.5, every=1)  # and begins again
    assert optimizer.lr == 0.5
    optimizer.update(params, gradients())
    assert optimizer.lr == 0.5
    optimizer.lr *= 0.5
    optimizer.update(params, gradients())
    assert optimizer.lr == 0.25


def test_only_updates_that_are_made_count():
    optimizer, params = SGD(lr=StepDecay(0.5, every=1, factor=0.5)), {"W": np.zeros(1)}
    for _ in range(3):
        with pytest.raises(ValueError, match="grads has no 'W'"):
            optimizer.update(params, {})
    optimizer.update(params, {"W": [1.0]})
    optimizer.update(params, {"W": np.ones(1)})
    assert params["W"] == -0.5 - 0.25


@pytest.mark.parametrize("make", [SGD, Adam])
def test_a_schedule_begins_again_with_another_network(make):
    optimizer = make(lr=StepDecay(0.5, every=1))
    updated(optimizer, parameters())
    with pytest.warns(RuntimeWarning, match="starts from zero again"):
        optimizer.update(parameters(50), gradients())
    assert optimizer.lr == 0.5


def test_a_rate_of_0_changes_nothing():
    params, optimizer = parameters(), SGD(lr=CosineDecay(0.1, steps=1))
    optimizer.update(params, gradients())
    before = copy.deepcopy(params)
    optimizer.update(params, gradients())
    assert optimizer.lr == 0
    assert equal(params, before)


@pytest.mark.parametrize("way", [copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))])
@EACH
def test_a_copy_is_at_the_same_place_of_its_schedule(make, way):
    optimizer, params = make(lr=StepDecay(0.5, every=2)), parameters()
    updated(optimizer, params)
    copied, params_too = way(optimizer), copy.deepcopy(params)
    assert equal(updated(copied, params_too), updated(optimizer, params))
    assert copied.lr == optimizer.lr < 0.05


def test_a_schedule_shows_itself_as_what_makes_it():
    for made in SGD(lr=StepDecay(0.5, every=2)), Adam(lr=CosineDecay(0.5, steps=9, lowest=0.25), beta1=0.5):
        again = eval(repr(made))
        assert repr(again) == repr(made)
        assert vars(again) == vars(made)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -1.0, "0.1", None])
def test_a_schedule_that_gives_no_rate_is_named_before_anything_moves(bad):
    error = ValueError if isinstance(bad, float) else TypeError
    with pytest.raises(error, match=rf"^lr\(0\) must be a .*number.* got {bad!r}"):
        SGD(lr=lambda _: bad)
    params, optimizer = parameters(), Adam(lr=lambda n: 0.5 if n == 0 else bad)
    optimizer.update(params, gradients())
    before = everything(optimizer, params)
    with pytest.raises(error, match=rf"^lr\(1\) must be a .*number.* got {bad!r}"):
        optimizer.update(params, gradients())
    assert everything(optimizer, params) == before


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: StepDecay(0.0, every=1), ValueError, "initial must be a finite number above 0, got 0.0"),
        (lambda: StepDecay("1", every=1), TypeError, "initial must be a number"),
        (lambda: StepDecay(0.1, every=0), ValueError, "every must be at least 1, got 0"),
        (lambda: StepDecay(0.1, every=1.5), TypeError, "every must be an integer"),
        (lambda: StepDecay(0.1, every=1, factor=1.0), ValueError, "factor must be a number of at least 0 and below 1"),
        (lambda: CosineDecay(math.inf, steps=1), ValueError, "initial must be a finite number"),
        (lambda: CosineDecay(0.1, steps=0), ValueError, "steps must be at least 1"),
        (lambda: CosineDecay(0.1, steps=1, lowest=-0.1), ValueError, "lowest must be a finite number of at least 0"),
        (lambda: CosineDecay(0.1, steps=1, lowest=0.2), ValueError, "lowest must be at most initial, 0.1, got 0.2"),
    ],
)
def test_a_schedule_that_makes_no_sense_is_named(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_the_ends_of_a_cosine_are_exact():
    schedule = CosineDecay(0.3, steps=7, lowest=0.1)
    assert schedule(0) == 0.3
    assert schedule(7) == schedule(10**9) == 0.1
    assert CosineDecay(0.3, steps=7)(7) == 0
