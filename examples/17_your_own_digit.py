"""
A digit of your own
===================

A photograph of a digit is very different from an image of MNIST. It is large, the light comes from one side, the paper
has lines, and the pen is thin. If you shrink it to 28 x 28 pixels, you hardly see the strokes. So the picture is
prepared first, in steps.

Look at the first picture from left to right. Which step removes the lines? Which one removes the rest of the shadow?
Which one makes the strokes wider? Then look at the second picture, a whole page. The digits are read line by line, and
the ruled lines and the speck are not read.
"""

# %%
# No photograph comes with this example, so it draws one: a pen of 5 pixels on ruled paper, with light from the left and
# the shadow of a hand. To read a photograph of yours, put its path in place of the array.

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image, ImageDraw

from fastnet import load_pretrained
from fastnet.functions import softmax
from fastnet.images import find_digits, prepare
from fastnet.plotting import plot_boxes, plot_steps

STROKES = {
    2: [(0.1, 0.25), (0.25, 0.05), (0.55, 0.0), (0.8, 0.2), (0.7, 0.5), (0.05, 1.0), (0.9, 0.98)],
    3: [(0.1, 0.1), (0.5, 0.0), (0.8, 0.2), (0.4, 0.48), (0.85, 0.7), (0.6, 0.98), (0.05, 0.9)],
    7: [(0.05, 0.05), (0.9, 0.0), (0.4, 1.0)],
}


def photograph(digits, width, height, shadow=1.0):
    """Write digits, each at (left, top, size), on ruled paper, and photograph it; a hand may throw a shadow."""
    page = Image.new("L", (width, height), 225)
    pen = ImageDraw.Draw(page)
    for y in range(30, height, 70):
        pen.line([(0, y), (width, y)], fill=160, width=2)
    for digit, left, top, size in digits:
        pen.line([(left + 0.7 * size * x, top + size * y) for x, y in STROKES[digit]], fill=50, width=5, joint="curve")
    pen.ellipse((width - 30, 10, width - 25, 15), fill=60)  # a speck
    rows, columns = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    light = 1 - 0.4 * columns
    light[rows + columns > 1.3] *= shadow
    return (np.asarray(page) * light).astype(np.uint8)


# %%
# ``prepare`` gives the digit as MNIST would have it, and with ``steps=True`` every picture on the way. A network reads
# the last one.

network = load_pretrained()
photo = photograph([(2, 100, 60, 130)], 300, 260, shadow=0.7)
probabilities = softmax(network.predict(prepare(photo).reshape(1, 1, 28, 28)))[0]
for digit in np.argsort(-probabilities)[:2]:
    print(f"{digit}: {probabilities[digit]:.3f}")

figure, ax = plt.subplots(figsize=(11, 3), layout="constrained")
plot_steps(prepare(photo, steps=True), ax=ax)
figure.savefig("17_your_own_digit.png")

# %%
# A whole page: ``find_digits`` finds every digit and its box.

page = photograph([(7, 60, 45, 80), (2, 180, 50, 80), (3, 300, 40, 90), (3, 70, 190, 80), (7, 200, 185, 90)], 440, 320)
digits = find_digits(page)
scores = network.predict(np.stack([digit.pixels for digit in digits]).reshape(-1, 1, 28, 28))
answers = [str(label) for label in scores.argmax(axis=1)]
print("the page says", " ".join(answers))

figure, ax = plt.subplots(figsize=(6, 4.6), layout="constrained")
plot_boxes(page, boxes=[digit.box for digit in digits], names=answers, ax=ax)
figure.savefig("17_your_own_digit_page.png")
print("The pictures are in 17_your_own_digit.png and 17_your_own_digit_page.png")
