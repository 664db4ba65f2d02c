"""Shannon's measures of information: how much a distribution leaves open, and how far another one is from it.

A distribution is an array of probabilities along the last axis: ``(K,)``, or ``(..., K)`` for many at once, which gives
one result for each. None of them is negative, and their sum is 1: within 1e-6 where they are float64, 1e-4 where they
are float32 and 1e-2 where they are float16, which leaves room for what `softmax` or a division by the sum rounds in
that dtype, and for values printed with 8 digits. They are taken as they are, not divided by their sum.

Everything is computed in float64 and returned in the dtype of the arguments, the wider one of two; bool and integers
count as float64. NaN propagates, and zero distributions give zero results.
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnet._checks import FLOAT64, FloatArray, as_float, as_result, cast, float_array

__all__ = ["cross_entropy", "entropy", "kl_divergence"]


def entropy(p: npt.ArrayLike, base: float = 2) -> Any:
    """Return the entropy of a distribution: how much it leaves open, in bits.

    Parameters
    ----------
    p : array_like, real
        Probabilities ``(K,)``, or ``(..., K)`` for many distributions.
    base : float, default 2
        Of the logarithm, above 0 and not 1: 2 counts in bits, ``math.e`` in nats.

    Returns
    -------
    NumPy float scalar, or ndarray
        One value for each distribution, ``(...)``; with a base above 1 from 0, where the outcome is certain, to
        ``log K``, where all are equally probable.

    Raises
    ------
    TypeError
        If `p` does not hold real numbers, or `base` is not a number.
    ValueError
        If `p` has no axis, a probability is negative, a sum is not 1, or `base` is out of range.

    See Also
    --------
    cross_entropy : The same with a second distribution in the logarithm.

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
    """Return the cross-entropy of two distributions: what outcomes of `p` cost who expects `q`.

    Parameters
    ----------
    p, q : array_like, real
        Probabilities ``(K,)``, or ``(..., K)`` for many distributions: the true ones and the expected ones. K is the
        same for both; the axes before it broadcast, so that one distribution can be held against many.
    base : float, default 2
        Of the logarithm, above 0 and not 1: 2 counts in bits, ``math.e`` in nats.

    Returns
    -------
    NumPy float scalar, or ndarray
        One value for each pair of distributions, ``(...)`` broadcast. It is never below the entropy of `p`, and
        infinite where `q` rules out what `p` does not.

    Raises
    ------
    TypeError
        If `p` or `q` does not hold real numbers, or `base` is not a number.
    ValueError
        If `p` or `q` has no axis, their shapes do not match, a probability is negative, a sum is not 1, or `base` is
        out of range.

    See Also
    --------
    kl_divergence : What of it is due to `q` not being `p`.
    fastnet.functions.cross_entropy_error : The loss of a network, in nats, averaged over a batch.

    Notes
    -----
    ``H(p, q) = -sum_k p_k log q_k``, where ``0 log 0`` is 0. With a one-hot `p`, as a label is, it is ``-log q`` of the
    right class: the book's loss, without its 1e-7 ("Deep Learning from Scratch", chapter 4).

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
    """Return the Kullback-Leibler divergence: what it costs, beyond the entropy of `p`, to expect `q`.

    Parameters
    ----------
    p, q : array_like, real
        Probabilities ``(K,)``, or ``(..., K)`` for many distributions: the true ones and the expected ones. K is the
        same for both; the axes before it broadcast, so that one distribution can be held against many.
    base : float, default 2
        Of the logarithm, above 0 and not 1: 2 counts in bits, ``math.e`` in nats.

    Returns
    -------
    NumPy float scalar, or ndarray
        One value for each pair of distributions, ``(...)`` broadcast: 0 where they are equal, positive where not, and
        infinite where `q` rules out what `p` does not. It is no distance: exchanging `p` and `q` changes it.

    Raises
    ------
    TypeError
        If `p` or `q` does not hold real numbers, or `base` is not a number.
    ValueError
        If `p` or `q` has no axis, their shapes do not match, a probability is negative, a sum is not 1, or `base` is
        out of range.

    See Also
    --------
    cross_entropy, entropy : It is their difference.

    Notes
    -----
    ``D(p || q) = H(p, q) - H(p) = sum_k p_k log (p_k / q_k)``; S. Kullback and R. A. Leibler, "On Information and
    Sufficiency", Annals of Mathematical Statistics 22 (1951).

    Neither form can be computed as it stands where `p` and `q` are close. The result is of the order of the squares of
    their differences, its terms are of the order of the differences themselves, of both signs, and what is left after
    they cancel is rounding. Since both sums are 1, ``sum_k (p_k log (p_k / q_k) - p_k + q_k)`` is the same, in nats. Of
    these terms none is negative, so nothing cancels, and each is computed to nearly all its digits. Where the sums
    differ from 1, as far as that is allowed, the result differs by as much from that of the two entropies.

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
    with np.errstate(all="ignore"):  # log 0, and terms too small for float64
        return as_result(_divergence_terms(p, q).sum(axis=-1) / math.log(base), dtype)


def _cross_entropy(p: FloatArray, q: FloatArray, base: float) -> Any:
    with np.errstate(all="ignore"):
        logarithm, unit = (np.log2, 1.0) if base == 2 else (np.log, math.log(base))  # log2 of powers of 2 is exact
        q = np.where((p == 0) & (q == 0), 1.0, q)  # 0 log 0 is 0
        return 0.0 - np.sum(p * logarithm(q), axis=-1) / unit  # not -sum, which would be -0.0


def _divergence_terms(p: FloatArray, q: FloatArray) -> FloatArray:
    """``p log(p / q) - p + q`` in nats, element by element; 0 where both are 0."""
    both = p + q
    u = (q - p) / np.where(both == 0, 1.0, both)
    # With log(q / p) = 2 atanh(u), the term is both * (u - (1 - u) atanh(u)), and u cancels against the u in atanh(u) =
    # u + u**3 (1/3 + u**2/5 + u**4/7 + ...). The series stops below the rounding of 1 for |u| up to 0.2: q / p from
    # 2/3 to 3/2. Outside of it, the terms as they stand lose no more than their last digit.
    square = u * u
    series = np.polynomial.polynomial.polyval(square, 1 / np.arange(3.0, 25.0, 2.0))
    near = both * square * (1.0 - (1.0 - u) * u * series)
    apart = q - p + p * (np.log(np.where(p == 0, 1.0, p)) - np.log(np.where(p == 0, 1.0, q)))
    return np.where(np.abs(u) <= 0.2, near, apart)


# How far a sum of probabilities may be from 1, by the bytes of the dtype that they come in: more than a sum of a
# thousand of them and the division by it round there, and in float64 more than printing 8 digits does.
SUM_TOLERANCE = {8: 1e-6, 4: 1e-4, 2: 1e-2}


def _distribution(p: npt.ArrayLike, name: str) -> tuple[FloatArray, np.dtype[Any]]:
    """Probabilities `(..., K)` in float64, and the dtype of the result; NaN passes."""
    array, dtype = float_array(p, name)
    if array.ndim == 0:
        raise ValueError(f"{name} must have shape (K,), or (..., K) for many distributions; got shape ()")
    array = cast(array, FLOAT64)
    for position in np.argwhere(array < 0)[:1].tolist():
        raise ValueError(f"{name}{position} is {array[tuple(position)]:g}: no probability is negative")
    with np.errstate(over="ignore"):
        sums = array.sum(axis=-1)
    tolerance = SUM_TOLERANCE[dtype.itemsize]
    for position in np.argwhere(np.abs(sums - 1) > tolerance)[:1].tolist():
        where = f"{name}{position}" if position else name
        raise ValueError(
            f"{where} sums to {sums[tuple(position)]:.9g}; probabilities sum to 1 along the last axis (within "
            f"{tolerance:g} for {dtype})"
        )
    return array, dtype


def _pair_of_distributions(p: npt.ArrayLike, q: npt.ArrayLike) -> tuple[FloatArray, FloatArray, np.dtype[Any]]:
    """Two distributions over the same outcomes, and the dtype of the result, which is the wider one of theirs."""
    p, p_dtype = _distribution(p, "p")
    q, q_dtype = _distribution(q, "q")
    try:
        if p.shape[-1] != q.shape[-1]:
            raise ValueError
        np.broadcast_shapes(p.shape, q.shape)
    except ValueError:
        raise ValueError(
            f"p has shape {p.shape} and q has shape {q.shape}: the last axis must be as long in both, and the axes "
            "before it must broadcast"
        ) from None
    return p, q, np.result_type(p_dtype, q_dtype)


def _as_base(base: Any) -> float:
    """The base of a logarithm: a finite number above 0 and not 1."""
    number = as_float(base, "base")
    if number == 1:
        raise ValueError("base must not be 1: there is no logarithm to the base 1")
    return number
