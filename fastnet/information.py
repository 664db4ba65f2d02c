"""Shannon's measures of information: how uncertain a distribution is, and how much two distributions differ.

A distribution is an array of probabilities along the last axis: ``(K,)``, or ``(..., K)`` for many distributions, which
give one result each. Probabilities must not be negative, and their sum must be 1: within 1e-6 in float64, 1e-4 in
float32 and 1e-2 in float16. This allows for the rounding of `softmax` or of a division by the sum in that dtype, and in
float64 for values printed with 8 digits. The functions do not divide the probabilities by their sum.

Everything is computed in float64 and returned in the dtype of the arguments, the wider one of two. bool and integers
count as float64. NaN propagates, and an array of no distributions gives an empty result.
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnet._checks import FLOAT64, FloatArray, as_float, as_result, cast, float_array

__all__ = ["cross_entropy", "entropy", "kl_divergence"]


def entropy(p: npt.ArrayLike, base: float = 2) -> Any:
    """Return the entropy of a distribution: how uncertain its outcome is, in bits.

    Parameters
    ----------
    p : array_like, real
        Probabilities ``(K,)``, or ``(..., K)`` for many distributions.
    base : float, default 2
        The base of the logarithm, above 0 and not 1: 2 gives bits, ``math.e`` gives nats.

    Returns
    -------
    NumPy float scalar, or ndarray
        One value for each distribution, ``(...)``. With a base above 1, it is 0 if the outcome is certain, and at most
        ``log K``, if all outcomes are equally probable.

    Raises
    ------
    TypeError
        If `p` does not hold real numbers, or `base` is not a number.
    ValueError
        If `p` has no axis, a probability is negative, a sum is not 1, or `base` is out of range.

    See Also
    --------
    cross_entropy : The same formula with a second distribution in the logarithm.

    Notes
    -----
    ``H(p) = -sum_k p_k log p_k``, where ``0 log 0`` is 0. C. E. Shannon, "A Mathematical Theory of Communication", Bell
    System Technical Journal 27 (1948).

    Examples
    --------
    >>> from fastnet.information import entropy
    >>> print(entropy([0.5, 0.5]), entropy([1.0, 0.0]))
    1.0 0.0
    >>> print(entropy([[0.25, 0.25, 0.25, 0.25], [0.7, 0.1, 0.1, 0.1]]).round(4))
    [2.     1.3568]
    """
    array, dtype = _distribution(p, "p")
    return as_result(_cross_entropy(array, array, _as_base(base)), dtype)


def cross_entropy(p: npt.ArrayLike, q: npt.ArrayLike, base: float = 2) -> Any:
    """Return the cross-entropy of two distributions: the cost of outcomes from `p` if `q` is expected.

    Parameters
    ----------
    p, q : array_like, real
        Probabilities ``(K,)``, or ``(..., K)`` for many distributions: `p` is the true one, `q` the expected one. K is
        the same for both. The axes before it broadcast, so one distribution can be compared with many.
    base : float, default 2
        The base of the logarithm, above 0 and not 1: 2 gives bits, ``math.e`` gives nats.

    Returns
    -------
    NumPy float scalar, or ndarray
        One value for each pair of distributions, ``(...)`` broadcast. It is at least the entropy of `p`, and infinite
        where `q` is 0 for an outcome and `p` is not.

    Raises
    ------
    TypeError
        If `p` or `q` does not hold real numbers, or `base` is not a number.
    ValueError
        If `p` or `q` has no axis, their shapes do not match, a probability is negative, a sum is not 1, or `base` is
        out of range.

    See Also
    --------
    kl_divergence : The part of it that comes from the difference between `q` and `p`.
    fastnet.functions.cross_entropy_error : The loss of a network, in nats, averaged over a batch.

    Notes
    -----
    ``H(p, q) = -sum_k p_k log q_k``, where ``0 log 0`` is 0. With a one-hot `p`, such as a label, it is ``-log q`` of
    the right class: the book's loss, without its 1e-7 ("Deep Learning from Scratch", chapter 4).

    Examples
    --------
    >>> import math
    >>> from fastnet.information import cross_entropy
    >>> print(cross_entropy([0.5, 0.5], [0.25, 0.75]).round(4))
    1.2075
    >>> print(cross_entropy([0, 1, 0], [0.2, 0.7, 0.1], base=math.e).round(4))
    0.3567
    >>> print(cross_entropy([0.5, 0.5], [[1.0, 0.0], [0.5, 0.5]]))
    [inf  1.]
    """
    p, q, dtype = _pair_of_distributions(p, q)
    return as_result(_cross_entropy(p, q, _as_base(base)), dtype)


def kl_divergence(p: npt.ArrayLike, q: npt.ArrayLike, base: float = 2) -> Any:
    """Return the Kullback-Leibler divergence: the extra cost of expecting `q` if the outcomes come from `p`.

    Parameters
    ----------
    p, q : array_like, real
        Probabilities ``(K,)``, or ``(..., K)`` for many distributions: `p` is the true one, `q` the expected one. K is
        the same for both. The axes before it broadcast, so one distribution can be compared with many.
    base : float, default 2
        The base of the logarithm, above 0 and not 1: 2 gives bits, ``math.e`` gives nats.

    Returns
    -------
    NumPy float scalar, or ndarray
        One value for each pair of distributions, ``(...)`` broadcast: 0 if they are equal, else positive, and infinite
        where `q` is 0 for an outcome and `p` is not. It is not a distance: exchanging `p` and `q` changes it.

    Raises
    ------
    TypeError
        If `p` or `q` does not hold real numbers, or `base` is not a number.
    ValueError
        If `p` or `q` has no axis, their shapes do not match, a probability is negative, a sum is not 1, or `base` is
        out of range.

    See Also
    --------
    cross_entropy, entropy : The divergence is their difference.

    Notes
    -----
    ``D(p || q) = H(p, q) - H(p) = sum_k p_k log (p_k / q_k)``; S. Kullback and R. A. Leibler, "On Information and
    Sufficiency", Annals of Mathematical Statistics 22 (1951).

    If `p` and `q` are close, neither form can be computed directly. The terms have the order of the differences
    ``p_k - q_k`` and both signs, but the result has the order of their squares. The terms cancel, and only rounding
    errors remain. Since both sums are 1, ``sum_k (p_k log (p_k / q_k) - p_k + q_k)`` has the same value, in nats. None
    of these terms is negative, so nothing cancels, and each is computed almost exactly. If the sums differ from 1
    within the tolerance, the result differs from the difference of the two entropies by about as much.

    Examples
    --------
    >>> from fastnet.information import cross_entropy, entropy, kl_divergence
    >>> p, q = [0.5, 0.5], [0.25, 0.75]
    >>> print(kl_divergence(p, q).round(4), (cross_entropy(p, q) - entropy(p)).round(4), kl_divergence(q, p).round(4))
    0.2075 0.2075 0.1887
    >>> q = [0.5 + 1e-9, 0.5 - 1e-9]
    >>> print(f"{kl_divergence(p, q):.3g}, and as a difference {cross_entropy(p, q) - entropy(p):.3g}")
    2.89e-18, and as a difference 0
    """
    p, q, dtype = _pair_of_distributions(p, q)
    base = _as_base(base)
    with np.errstate(all="ignore"):  # log 0, and underflow
        return as_result(_divergence_terms(p, q).sum(axis=-1) / math.log(base), dtype)


def _cross_entropy(p: FloatArray, q: FloatArray, base: float) -> Any:
    with np.errstate(all="ignore"):
        logarithm, unit = (np.log2, 1.0) if base == 2 else (np.log, math.log(base))  # log2 of powers of 2 is exact
        q = np.where((p == 0) & (q == 0), 1.0, q)  # 0 log 0 is 0
        return 0.0 - np.sum(p * logarithm(q), axis=-1) / unit  # 0.0 - sum, since -sum could be -0.0


def _divergence_terms(p: FloatArray, q: FloatArray) -> FloatArray:
    """Return ``p log(p / q) - p + q`` in nats, element by element; 0 where both are 0."""
    both = p + q
    u = (q - p) / np.where(both == 0, 1.0, both)
    # With log(q / p) = 2 atanh(u), the term is both * (u - (1 - u) atanh(u)). Here u cancels against the first term of
    # atanh(u) = u + u**3 (1/3 + u**2/5 + u**4/7 + ...). For |u| up to 0.2, which is q / p from 2/3 to 3/2, the rest of
    # the truncated series is below the rounding error of 1. For larger |u|, the direct formula is right to the last
    # digit of the largest of its terms.
    square = u * u
    series = np.polynomial.polynomial.polyval(square, 1 / np.arange(3.0, 25.0, 2.0))
    near = both * square * (1.0 - (1.0 - u) * u * series)
    apart = q - p + p * (np.log(np.where(p == 0, 1.0, p)) - np.log(np.where(p == 0, 1.0, q)))
    return np.where(np.abs(u) <= 0.2, near, apart)


# How far a sum of probabilities may be from 1, by the itemsize of their dtype. It is more than the rounding error of a
# sum of a thousand probabilities and a division by it, and in float64 more than the error of printing 8 digits.
SUM_TOLERANCE = {8: 1e-6, 4: 1e-4, 2: 1e-2}


def _distribution(p: npt.ArrayLike, name: str) -> tuple[FloatArray, np.dtype[Any]]:
    """Check `p` and return it in float64, `(..., K)`, and the dtype of the result; NaN is accepted."""
    array, dtype = float_array(p, name)
    if array.ndim == 0:
        raise ValueError(f"{name} must have shape (K,), or (..., K) for many distributions; got shape ()")
    array = cast(array, FLOAT64)
    for position in np.argwhere(array < 0)[:1].tolist():
        raise ValueError(f"{name}{position} is {array[tuple(position)]:g}: a probability must not be negative")
    with np.errstate(over="ignore"):
        sums = array.sum(axis=-1)
    tolerance = SUM_TOLERANCE[dtype.itemsize]
    for position in np.argwhere(np.abs(sums - 1) > tolerance)[:1].tolist():
        where = f"{name}{position}" if position else name
        raise ValueError(
            f"{where} sums to {sums[tuple(position)]:.9g}; probabilities must sum to 1 along the last axis (within "
            f"{tolerance:g} for {dtype})"
        )
    return array, dtype


def _pair_of_distributions(p: npt.ArrayLike, q: npt.ArrayLike) -> tuple[FloatArray, FloatArray, np.dtype[Any]]:
    """Check two distributions over the same outcomes, and return them and the dtype of the result, the wider one."""
    p, p_dtype = _distribution(p, "p")
    q, q_dtype = _distribution(q, "q")
    try:
        if p.shape[-1] != q.shape[-1]:
            raise ValueError
        np.broadcast_shapes(p.shape, q.shape)
    except ValueError:
        raise ValueError(
            f"p has shape {p.shape} and q has shape {q.shape}: the last axis must have the same length in both, and "
            "the axes before it must broadcast"
        ) from None
    return p, q, np.result_type(p_dtype, q_dtype)


def _as_base(base: Any) -> float:
    """Return the base of a logarithm: a finite number above 0 and not 1."""
    number = as_float(base, "base")
    if number == 1:
        raise ValueError("base must not be 1: a logarithm to base 1 does not exist")
    return number
