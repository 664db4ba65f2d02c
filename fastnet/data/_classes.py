"""Labels of any kind as classes 0 to C - 1, with their names."""

import numpy as np

from fastnet.data._samples import Array


def classes_of(t: Array) -> Array:
    """Return the labels that occur, in order: numbers, and names that are numbers, by their value."""
    found = np.unique(t)
    if found.dtype.kind == "U" and all(name.isdecimal() for name in found):
        return np.array(sorted(found, key=lambda name: (int(name), name)))
    return found


def numbered(t: Array, classes: Array, where: str) -> Array:
    """Return the number of the class of each label, int64; a ValueError names a label that is none of `classes`."""
    if (t.dtype.kind == "U") != (classes.dtype.kind == "U"):  # a folder called "7", and the number 7
        t, classes = t.astype(np.str_), classes.astype(np.str_)
    order = np.argsort(classes)
    places = np.searchsorted(classes[order], t).clip(max=len(classes) - 1)
    labels: Array = order[places]
    strange = np.flatnonzero(classes[labels] != t)
    if len(strange):
        raise ValueError(
            f"{where} has the label {str(t[strange[0]])!r}, which the training data do not have: "
            "correct it, or leave the sample out"
        )
    return labels.astype(np.int64)


def refuse_what_is_no_classes(classes: Array, samples: int, where: str) -> None:
    """Raise a ValueError if labels do not tell samples apart, or no two samples share one."""
    if len(classes) < 2:
        raise ValueError(
            f"{where} has samples of one class alone, {str(classes[0])!r}: there is nothing to tell apart. "
            "Give at least two classes"
        )
    if len(classes) == samples > 2:
        raise ValueError(
            f"{where} has a class of its own for each of its {samples:,} samples: are these the labels? "
            "Samples of one class must have one label"
        )


def share_of_each(t: Array, share: float, random: np.random.Generator) -> tuple[Array, Array]:
    """Return the rows of the samples to keep, and of those to hold out: this share of each class, drawn at random."""
    held = []
    for label in np.unique(t):
        rows = random.permutation(np.flatnonzero(t == label))
        held.append(rows[: int(len(rows) * share)])
    out = np.sort(np.concatenate(held))
    kept = np.ones(len(t), bool)
    kept[out] = False
    return np.flatnonzero(kept), out
