"""Read photographed, scanned or drawn digits, and prepare them as MNIST prepared its digits.

The steps are in files of their own, in this order:

- `_reading`: any file or array, as shades of gray.
- `_panel`: the part of a screenshot that is the picture.
- `_margin`: paper around a tiny picture whose strokes reach its edges.
- `_light`: the ink, with uneven light evened out, whether it is darker or lighter than the paper.
- `_strokes`: the strokes of each digit, without frames, lines and specks.
- `_likeness`: what looks like no digit is refused.
- `_mnist_form`: the size, the place and the stroke width of MNIST's digits.
- `_preparation`: all of them in a row.
"""

from fastnet.images._light import NoDigitError as NoDigitError
from fastnet.images._mnist_form import SIZE as SIZE
from fastnet.images._preparation import Digit as Digit
from fastnet.images._preparation import find_digits, load_digit, prepare

__all__ = ["find_digits", "load_digit", "prepare"]
