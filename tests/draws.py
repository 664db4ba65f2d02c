"""What the differential test draws: arrays of every shape, dtype, layout and value, and targets of every form.

A drawn seed fills the arrays, and a few elements are then replaced by special values. So hypothesis decides the few
things that matter, and a failure shrinks to a small shape with few special values.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from hostile import HOSTILE, REFUSED, byte_swapped, contiguous, read_only
from hypothesis import configuration
from hypothesis import strategies as st

configuration.set_hypothesis_home_dir(os.devnull)  # hypothesis would store notes in a folder of its own

Draw = Callable[[Any], Any]  # the method `draw` of hypothesis' `data()`

FLOATS = ("f8", "f4", "f2")
INTEGERS = ("i8", "u1", "?", "i4", "u8", "i2")
OF_LABELS = ("i8", "u1", "i4", "u8", "i2")
# Odd lengths, and lengths around the widths of vectors: 4, 8 and 16 numbers.
LENGTHS = (1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 0)
FEW = (1, 2, 3, 4, 5, 0)

# --- shapes and values -----------------------------------------------------------------------------------------------


def shape(draw: Draw, dimensions: Sequence[int] = (1, 2, 3, 4, 0)) -> tuple[int, ...]:
    """A shape of 0 to 4 dimensions and at most 264 elements; any side may be 0."""
    count = draw(st.sampled_from(dimensions))
    if count == 0:
        return ()
    few = (*FEW[: 6 - count], 0)
    return (*(draw(st.sampled_from(few)) for _ in range(count - 1)), draw(st.sampled_from(LENGTHS)))


any_shape = shape  # for functions with an argument called `shape`


def _usual(random: Any, shape: Any, _: Any) -> Any:
    return random.normal(scale=3, size=shape)


def _small(random: Any, shape: Any, _: Any) -> Any:
    return random.normal(scale=1e-4, size=shape)


def halves(random: Any, shape: Any, _: Any) -> Any:
    return random.integers(-2, 3, size=shape) / 2


def _large(random: Any, shape: Any, _: Any) -> Any:
    return random.uniform(-900, 900, size=shape)


def _every_exponent(random: Any, shape: Any, info: Any) -> Any:
    return np.exp2(random.uniform(info.minexp - info.nmant, info.maxexp, shape)) * random.choice([-1, 1], shape)


KINDS = (_usual, halves, _small, _large, _every_exponent)
TAME = (_usual, halves, _small)


def floats(draw: Draw, shape: tuple[int, ...], dtype: str, kinds: Any = KINDS, *, special: int = 3) -> Any:
    """An array of floats; up to `special` of its elements are special values."""
    info = np.finfo(dtype)
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    with np.errstate(all="ignore"):
        array = np.asarray(draw(st.sampled_from(kinds))(random, shape, info)).astype(dtype)
    tiny, least, largest = (float(each) for each in (info.tiny, info.smallest_subnormal, info.max))
    values = (np.nan, np.inf, -np.inf, -0.0, 0.0, 1.0, -1.0, largest, -largest, tiny, least, -least, -745.2, 88.9)
    if array.size and special:
        for _ in range(draw(st.integers(0, special))):
            with np.errstate(all="ignore"):
                array.flat[draw(st.integers(0, array.size - 1))] = draw(st.sampled_from(values))
    return array


def integers(draw: Draw, shape: tuple[int, ...], dtype: str) -> Any:
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    array = np.asarray(random.integers(0, 2 if dtype == "?" else 5, shape)).astype(dtype)
    if np.dtype(dtype).kind == "i":
        array -= 2
    if array.size and dtype != "?" and draw(st.booleans()):
        array.flat[0] = draw(st.sampled_from((np.iinfo(dtype).max, np.iinfo(dtype).min)))
    return array


def array(draw: Draw, shape: tuple[int, ...], kinds: Any = KINDS, *, special: int = 3) -> Any:
    """An array of real numbers of any dtype in any layout; mostly floats."""
    dtype = draw(st.sampled_from((*FLOATS, *FLOATS[:2], *INTEGERS[:3], *INTEGERS)))
    if np.dtype(dtype).kind == "f":
        return layout(draw, floats(draw, shape, dtype, kinds, special=special))
    return layout(draw, integers(draw, shape, dtype))


# --- layouts: each returns an array equal to `a`, or to one of its parts, of any shape -------------------------------


def strided(a: Any) -> Any:
    return a.repeat(3, axis=-1)[..., 1::3] if a.ndim else a


def backwards(a: Any) -> Any:
    return np.flip(np.flip(a).copy()) if a.ndim else a


def fortran(a: Any) -> Any:
    return a.copy(order="F")


def unaligned(a: Any) -> Any:
    view = np.zeros(a.nbytes + 1, np.uint8)[1:].view(a.dtype).reshape(a.shape)
    view[...] = a
    return view


def of_one_row(a: Any) -> Any:
    """Not equal: its first row, repeated with a stride of 0."""
    return np.broadcast_to(a[:1], a.shape) if a.ndim and len(a) else a


def overlapping(a: Any) -> Any:
    """Not equal: its first elements, in windows that share them, read-only as NumPy makes such views."""
    if not a.size:
        return a
    one = np.ascontiguousarray(a).reshape(-1)[: sum(a.shape) - a.ndim + 1].copy()
    return np.lib.stride_tricks.as_strided(one, a.shape, (a.itemsize,) * a.ndim, writeable=False)


class Subclass(np.ndarray):
    """An array of a class of one's own, as np.memmap and np.matrix are."""


def of_a_subclass(a: Any) -> Any:
    return a.copy().view(Subclass)


LAYOUTS = (
    contiguous, strided, backwards, fortran, unaligned, byte_swapped, of_a_subclass,
    read_only, of_one_row, overlapping,  # these cannot be written to, or hold an element twice
)  # fmt: skip
WRITABLE = LAYOUTS[:-3]


def layout(draw: Draw, a: Any) -> Any:
    """`a` in up to two layouts, or as a list."""
    changed = draw(st.sampled_from(LAYOUTS))(a)
    if draw(st.integers(0, 3)) == 0:
        changed = draw(st.sampled_from(LAYOUTS))(changed)
    if a.dtype == np.float64 and a.size and draw(st.integers(0, 15)) == 0:
        return changed.tolist()
    return changed


# --- arrays and other objects, of which most are wrong ---------------------------------------------------------------


def anything(draw: Draw, shape: tuple[int, ...], *, wrong: int = 8, kinds: Any = KINDS, special: int = 3) -> Any:
    """An array of this shape; once in `wrong` times another shape, or an object that is no array of real numbers."""
    if draw(st.integers(0, wrong - 1)):
        return array(draw, shape, kinds, special=special)
    kind = draw(st.sampled_from(("shape", "refused", "hostile", "longer")))
    if kind == "longer" and shape:
        axis = draw(st.integers(0, len(shape) - 1))
        return array(draw, (*shape[:axis], shape[axis] + 1, *shape[axis + 1 :]), kinds, special=special)
    if kind in ("refused", "hostile"):
        builds = REFUSED if kind == "refused" else HOSTILE
        return builds[draw(st.sampled_from(sorted(builds)))]()
    return array(draw, any_shape(draw), kinds, special=special)


# --- targets ---------------------------------------------------------------------------------------------------------

def one_hot(random: Any, batch: tuple[int, ...], C: int) -> Any:
    return np.eye(C)[random.integers(C, size=batch)] if C else np.zeros((*batch, C))


def _soft(random: Any, batch: tuple[int, ...], C: int) -> Any:
    """Probabilities that are multiples of 1/8, so that they sum to exactly 1 in every dtype."""
    if not C:
        return np.zeros((*batch, C))
    return random.multinomial(8, np.full(C, 1 / C), size=batch) / 8


def _any_rows(random: Any, batch: tuple[int, ...], C: int) -> Any:
    """Of any sum: all 0, all 1/2, several ones."""
    return random.choice([0.0, 0.5, 1.0, 0.3], (*batch, C))


def _outside(random: Any, batch: tuple[int, ...], C: int) -> Any:
    return random.choice([0.0, 1.0, -1.0, 255.0], (*batch, C))


def targets(draw: Draw, batch: tuple[int, ...], C: int) -> Any:
    """Targets for predictions of shape `(*batch, C)`: labels, rows, or what is neither."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    form = draw(st.sampled_from(("labels", "column", "one-hot", "soft", "wrong label", "wrong shape", "other dtype")))
    if form in ("labels", "column", "wrong label"):
        labels = np.asarray(random.integers(max(C, 1), size=batch))
        labels = labels.astype(draw(st.sampled_from(INTEGERS if C > 1 else OF_LABELS)))
        if form == "column":
            labels = labels.reshape(*batch, 1)
        if form == "wrong label" and labels.size:
            unsigned = labels.dtype.kind == "u"
            labels.flat[draw(st.integers(0, labels.size - 1))] = C if unsigned else draw(st.sampled_from((C, -1)))
        return layout(draw, labels)
    if form == "wrong shape":
        return np.zeros((*batch, C + 1), draw(st.sampled_from(("f8", "i8"))))
    if form == "other dtype":
        return draw(
            st.sampled_from(
                (np.zeros((*batch, C), complex), np.full((*batch, C), "1"), None, np.zeros(batch, object), 1j)
            )
        )
    rows = draw(st.sampled_from((one_hot if form == "one-hot" else _soft, _any_rows, _outside)))
    values = rows(random, batch, C)
    dtypes = FLOATS + (INTEGERS if form == "one-hot" and values.min(initial=0) >= 0 else ())
    return layout(draw, values.astype(draw(st.sampled_from(dtypes))))


def numbers(draw: Draw, shape: tuple[int, ...], *, yes_or_no: bool) -> Any:
    """Targets that are numbers, or, with `yes_or_no`, answers; for a last axis of 1 also without it."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    if draw(st.integers(0, 7)) == 0:
        return np.zeros((*shape, 2))
    if shape and shape[-1] == 1 and draw(st.booleans()):
        shape = shape[:-1]
    values = random.integers(2, size=shape) if yes_or_no else random.integers(-3, 4, size=shape)
    if yes_or_no and draw(st.integers(0, 7)) == 0:
        return layout(draw, np.asarray(_outside(random, shape[:-1], shape[-1]) if shape else -1.0))
    if draw(st.booleans()):
        share = random.uniform(0, 1, shape) if yes_or_no else random.normal(size=shape)
        return layout(draw, np.asarray(share).astype(draw(st.sampled_from(FLOATS))))
    return layout(draw, np.asarray(values).astype(draw(st.sampled_from(("i8", "f8", "f4", "i2")))))
