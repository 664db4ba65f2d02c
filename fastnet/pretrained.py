"""The network that comes with fastnet: it reads handwritten digits."""

from importlib import resources

from fastnet.networks import DeepConvNet

__all__ = ["load_pretrained"]

# The network has learned to give every class the same probability where there is no digit. So the highest probability
# says what an image is worth. The levels are measured: see the guide to handwriting.
UNSURE_BELOW = 0.6  # a prediction of a lower probability counts as unsure
BARE_IS_ONE = 0.88  # of the straight strokes that it calls a 1, this share was one: the others were other lines
NO_DIGIT_BELOW = 0.4  # an image of a lower one shows no digit, or several that touch


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
    pens. It also saw letters, figures, textures, blots and noise, with the same probability for every class. Of letters
    that look like a digit, that digit had half of the probability. So the highest probability is low where an image
    shows no digit.

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
