"""The network that comes with fastnet: it reads handwritten digits."""

from importlib import resources
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnet.networks import DeepConvNet

__all__ = ["load_pretrained"]

# How tools/train_digit_network.py trains the network.
DIGITS_SHOWN = 0.76  # the share of the images that show a digit
SMOOTHING = 0.02  # the probability that their targets leave to all classes alike

# `fastnet predict` gives the probabilities that hold if half of all marks are no digits. These numbers are measured:
# see the guide to handwriting.
BARE_IS_ONE = 0.88  # of 45 straight strokes that it called a 1, 40 were one (rounded down): 5 were other lines
ROUND_IS_ZERO = 0.85  # of what it calls a 0, this share was one: the others were the letter O, or circles
UNSURE_BELOW = 0.6  # a prediction of a lower probability counts as unsure
NO_DIGIT_BELOW = 0.2  # an image of a lower one shows no digit, or several that touch


def load_pretrained() -> DeepConvNet:
    """Return a network that reads handwritten digits.

    Returns
    -------
    DeepConvNet
        A new network, in float32, which you may change or train further. Its ``predict`` takes images
        ``(N, 1, 28, 28)`` of values from 0 (paper) to 1 (ink), prepared like MNIST's, and returns scores ``(N, 10)``,
        of which `fastnet.functions.softmax` makes probabilities. Its ``classes`` are the digits.

    Raises
    ------
    ValueError
        If the file is damaged.
    OSError
        If the file is missing.

    See Also
    --------
    fastnet.augmentation.Augmentation : What the network was trained with.

    Notes
    -----
    ``tools/train_digit_network.py`` in fastnet's repository trains it: the deep network of "Deep Learning from
    Scratch", chapter 8, on MNIST's training images, which are turned, sheared, scaled, bent, and written with other
    pens. A quarter of the images showed letters, figures, textures, blots or noise, with the same probability for every
    class. So the highest probability is low where an image shows no digit, and it is less than 1 where letters look
    like the digit. ``fastnet predict`` shows what the probabilities would be if half of all marks were no digits.

    Examples
    --------
    >>> from fastnet import load_mnist, load_pretrained
    >>> from fastnet.functions import softmax
    >>> _, (x_test, t_test) = load_mnist(flatten=False)
    >>> network = load_pretrained()
    >>> y = softmax(network.predict(x_test[:5]))
    >>> print([network.classes[label] for label in y.argmax(axis=1)], t_test[:5])
    ['7', '2', '1', '0', '4'] [7 2 1 0 4]
    >>> print(network.accuracy(x_test[:1000], t_test[:1000]) > 0.98)
    True
    """
    with resources.as_file(resources.files("fastnet").joinpath("data", "network", "digits.npz")) as path:
        return DeepConvNet.load(path)


def with_equal_odds(y: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the probabilities ``(N, 10)`` of the digits as they are if half of all marks are no digits.

    The network has seen more digits than that. Its doubt whether a mark is a digit is the same for all classes, so it
    shows in those that are out of the question: a tenth of it in each. By Bayes' theorem, the odds of "no digit" grow
    as its share does (Saerens, Latinne and Decaestecker 2002). This looks at each mark alone. Beside marks that are
    no digits, ``fastnet predict`` then lowers the probabilities of a page's other marks further.
    """
    classes = y.shape[1]
    shared = classes * np.median(y, axis=1, keepdims=True)
    digit = np.maximum(y - shared / classes, 0)
    digit = digit / np.maximum(digit.sum(axis=1, keepdims=True), np.finfo(y.dtype).tiny)
    doubt = np.clip((shared - SMOOTHING) / (1 - SMOOTHING), 0, 1)
    against = doubt * DIGITS_SHOWN / (1 - DIGITS_SHOWN)
    doubt = against / (against + 1 - doubt)
    return np.asarray((1 - doubt) * digit + doubt / classes)
