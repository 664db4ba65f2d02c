"""Exercises to the book's chapters, with answers that check themselves.

``from fastnet.exercises import check``, then ``check.softmax`` shows what is asked, and ``check.softmax(my_softmax)``
tries your function. It says what is wrong and names the smallest input that shows it. It does not tell the answer.
"""

from fastnet.exercises import check

__all__ = ["check"]
