"""The perceptron, and logic gates made of it: AND, NAND and OR need one perceptron each, XOR needs two layers."""

import numpy as np
import numpy.typing as npt

from fastnet._checks import FLOAT64, INTP, FloatArray, IntArray, as_count, cast, real_array, refuse_not_finite, samples
from fastnet.functions import step_function

__all__ = ["AND", "NAND", "OR", "XOR", "Perceptron"]


class Perceptron:
    """A unit that outputs 1 if the weighted sum of its inputs is above a threshold, else 0.

    Parameters
    ----------
    w : array_like, real
        The weights ``(D,)``, one for each input.
    b : float, default 0.0
        The bias: the threshold is ``-b``.

    Attributes
    ----------
    w : ndarray of float64
        ``(D,)``. You may change or replace it.
    b : float
        You may change it.

    Raises
    ------
    TypeError
        If `w` or `b` does not hold real numbers.
    ValueError
        If `w` is not 1-D or is empty, or `b` is more than one number.

    See Also
    --------
    fastnet.perceptron.AND, fastnet.perceptron.NAND, fastnet.perceptron.OR : Gates with one perceptron.
    fastnet.perceptron.XOR : A gate that needs two layers.

    Notes
    -----
    ``y = 1 if x w + b > 0 else 0``; "Deep Learning from Scratch", chapter 2.

    Examples
    --------
    >>> from fastnet import Perceptron
    >>> gate = Perceptron(w=[0.5, 0.5], b=-0.7)
    >>> x = [[0, 0], [0, 1], [1, 0], [1, 1]]
    >>> print(gate.predict(x))
    [0 0 0 1]
    >>> gate = Perceptron(w=[0, 0])
    >>> gate.fit(x, [0, 1, 1, 1])
    [1, 2, 1, 0]
    >>> print(gate.predict(x), gate)
    [0 1 1 1] Perceptron(w=[1.0, 1.0], b=0.0)
    """

    def __init__(self, w: npt.ArrayLike, b: float = 0.0) -> None:
        w, self.b = _weights(w, b)
        self.w: FloatArray = w.copy()

    def __repr__(self) -> str:
        w, b = _weights(self.w, self.b)
        return f"Perceptron(w={w.tolist()}, b={b})"

    def predict(self, x: npt.ArrayLike) -> IntArray:
        """Return 1 where ``x w + b > 0``, else 0.

        Parameters
        ----------
        x : array_like, real
            ``(N, D)``, or ``(D,)`` for one sample.

        Returns
        -------
        ndarray of int64
            ``(N,)``, or a NumPy integer for one sample. NaN gives 0, because it is not above 0.

        Raises
        ------
        TypeError
            If `x`, `w` or `b` does not hold real numbers.
        ValueError
            If the shape of `x` does not match, `w` is not 1-D, or `b` is more than one number.
        """
        w, b = _weights(self.w, self.b)
        x = samples(x, "x", len(w), FLOAT64)
        with np.errstate(all="ignore"):
            return step_function(x @ w + b)

    def fit(self, x: npt.ArrayLike, t: npt.ArrayLike, *, epochs: int = 100) -> list[int]:
        """Learn from examples by Rosenblatt's rule: after every mistake, add or subtract the sample.

        If a straight line (in D dimensions, a hyperplane) separates the samples of 0 from those of 1, the rule finds
        one after a finite number of mistakes. If no line does, as for XOR, the mistakes never end, and the method stops
        after `epochs`.

        Parameters
        ----------
        x : array_like, real
            ``(N, D)``, or ``(D,)`` for one sample.
        t : array_like, real
            The targets, 0 or 1: ``(N,)``, or one number for one sample.
        epochs : int, default 100
            The largest number of passes over the samples. The order of the samples is kept.

        Returns
        -------
        list of int
            The number of mistakes in each epoch. An epoch with 0 mistakes is the last one. If the list does not end
            with 0, the perceptron has not learned all samples.

        Raises
        ------
        TypeError
            If `x`, `t`, `w` or `b` does not hold real numbers, or `epochs` is not an integer.
        ValueError
            If a shape does not match, `x` holds NaN or infinity, a target is neither 0 nor 1, or `epochs` is less than
            1.

        Notes
        -----
        ``w <- w + (t - y) x`` and ``b <- b + (t - y)``, sample by sample. There is no learning rate: if all weights
        start at 0, it would only scale them and change no answer. F. Rosenblatt, "The Perceptron", Psychological Review
        65 (1958). Proof of convergence: A. Novikoff, "On Convergence Proofs for Perceptrons" (1962).

        Examples
        --------
        >>> from fastnet import Perceptron
        >>> x = [[0, 0], [0, 1], [1, 0], [1, 1]]
        >>> Perceptron([0, 0]).fit(x, [1, 1, 1, 0])
        [2, 3, 3, 2, 1, 0]
        >>> Perceptron([0, 0]).fit(x, [0, 1, 1, 0], epochs=8)
        [2, 3, 4, 4, 4, 4, 4, 4]
        """
        w, b = _weights(self.w, self.b)
        w = w.copy()
        x = samples(x, "x", len(w), FLOAT64)
        refuse_not_finite(x, "x")
        t = _zeros_and_ones(t, x.shape[:-1])
        pairs = list(zip(np.atleast_2d(x), t.reshape(-1).tolist(), strict=True))
        history = []
        with np.errstate(all="ignore"):
            for _ in range(as_count(epochs, "epochs")):
                mistakes = 0
                for sample, target in pairs:
                    error = target - int(sample @ w + b > 0)
                    if error:
                        w += error * sample
                        b += error
                        mistakes += 1
                history.append(mistakes)
                if mistakes == 0:
                    break
        self.w, self.b = w, b
        return history


def AND(x1: npt.ArrayLike, x2: npt.ArrayLike) -> IntArray:  # noqa: N802 - the book's name, as below
    """Return 1 where both inputs are 1, else 0: one perceptron.

    Parameters
    ----------
    x1, x2 : array_like, real
        The inputs, 0 or 1, of any shapes that broadcast. Other numbers are allowed too, for example to draw the line
        between 0 and 1.

    Returns
    -------
    ndarray of int64
        0 or 1, in the broadcast shape of `x1` and `x2`; a NumPy integer for two numbers.

    Raises
    ------
    TypeError
        If `x1` or `x2` does not hold real numbers.
    ValueError
        If their shapes do not broadcast.

    Notes
    -----
    ``0.5 x1 + 0.5 x2 - 0.7 > 0``; "Deep Learning from Scratch", chapter 2.

    Examples
    --------
    >>> from fastnet.perceptron import AND
    >>> print(AND(1, 1), AND([0, 0, 1, 1], [0, 1, 0, 1]))
    1 [0 0 0 1]
    """
    return _gate(Perceptron(w=[0.5, 0.5], b=-0.7), x1, x2)


def NAND(x1: npt.ArrayLike, x2: npt.ArrayLike) -> IntArray:  # noqa: N802
    """Return 0 where both inputs are 1, else 1: one perceptron, AND with opposite signs.

    Parameters
    ----------
    x1, x2 : array_like, real
        As for `AND`.

    Returns
    -------
    ndarray of int64
        As for `AND`.

    Raises
    ------
    TypeError, ValueError
        As for `AND`.

    Notes
    -----
    ``-0.5 x1 - 0.5 x2 + 0.7 > 0``; "Deep Learning from Scratch", chapter 2.

    Examples
    --------
    >>> from fastnet.perceptron import NAND
    >>> print(NAND(1, 1), NAND([0, 0, 1, 1], [0, 1, 0, 1]))
    0 [1 1 1 0]
    """
    return _gate(Perceptron(w=[-0.5, -0.5], b=0.7), x1, x2)


def OR(x1: npt.ArrayLike, x2: npt.ArrayLike) -> IntArray:  # noqa: N802
    """Return 1 where at least one input is 1, else 0: one perceptron, AND with another bias.

    Parameters
    ----------
    x1, x2 : array_like, real
        As for `AND`.

    Returns
    -------
    ndarray of int64
        As for `AND`.

    Raises
    ------
    TypeError, ValueError
        As for `AND`.

    Notes
    -----
    ``0.5 x1 + 0.5 x2 - 0.2 > 0``; "Deep Learning from Scratch", chapter 2.

    Examples
    --------
    >>> from fastnet.perceptron import OR
    >>> print(OR(0, 0), OR([0, 0, 1, 1], [0, 1, 0, 1]))
    0 [0 1 1 1]
    """
    return _gate(Perceptron(w=[0.5, 0.5], b=-0.2), x1, x2)


def XOR(x1: npt.ArrayLike, x2: npt.ArrayLike) -> IntArray:  # noqa: N802
    """Return 1 where exactly one input is 1, else 0: two layers of perceptrons.

    No straight line separates (0, 1) and (1, 0) from (0, 0) and (1, 1), so one perceptron is not enough. The outputs of
    the first layer can be separated by a line.

    Parameters
    ----------
    x1, x2 : array_like, real
        As for `AND`.

    Returns
    -------
    ndarray of int64
        As for `AND`.

    Raises
    ------
    TypeError, ValueError
        As for `AND`.

    Notes
    -----
    ``AND(NAND(x1, x2), OR(x1, x2))``; "Deep Learning from Scratch", chapter 2.

    Examples
    --------
    >>> from fastnet.perceptron import XOR
    >>> print(XOR(1, 1), XOR([0, 0, 1, 1], [0, 1, 0, 1]))
    0 [0 1 1 0]
    """
    s1, s2 = NAND(x1, x2), OR(x1, x2)  # the first layer
    return AND(s1, s2)  # the second


def _gate(perceptron: Perceptron, x1: npt.ArrayLike, x2: npt.ArrayLike) -> IntArray:
    """Return the answers of a perceptron with two inputs, in the broadcast shape of the inputs."""
    first, second = real_array(x1, "x1"), real_array(x2, "x2")
    try:
        pairs = np.stack(np.broadcast_arrays(first, second), axis=-1)
    except ValueError:
        raise ValueError(f"x1 has shape {first.shape} and x2 has shape {second.shape}: they must broadcast") from None
    answers: IntArray = perceptron.predict(pairs.reshape(-1, 2)).reshape(pairs.shape[:-1])
    return answers if answers.ndim else answers[()]


def _weights(w: npt.ArrayLike, b: npt.ArrayLike) -> tuple[FloatArray, float]:
    """Check and return the weights, `(D,)` with D at least 1, and the bias, as float64."""
    vector, number = real_array(w, "w"), real_array(b, "b")
    if vector.ndim != 1 or vector.size == 0:
        raise ValueError(f"w must have shape (D,), one weight for each input; got shape {vector.shape}")
    if number.ndim:
        raise ValueError(f"b must be one number, got shape {number.shape}")
    return cast(vector, FLOAT64), float(number)


def _zeros_and_ones(t: npt.ArrayLike, shape: tuple[int, ...]) -> IntArray:
    """Check and return the targets of a perceptron, of `shape`: 0 or 1, also as bool or float."""
    array = real_array(t, "t")
    if array.shape != shape:
        raise ValueError(f"t must have shape {shape}, one target for each sample; got shape {array.shape}")
    for position in np.argwhere((array != 0) & (array != 1))[:1].tolist():
        where = f"t{position}" if position else "t"
        raise ValueError(f"{where} is {array[tuple(position)]}; a perceptron's targets must be 0 or 1")
    return array.astype(INTP)
