"""What a fingerprint sees, which definitions a file has, and what they refer to."""

import ast

import pytest

from fastnet.textbook._source import Source, fingerprint


def source(text):
    return Source(text.encode(), "file.py")


def first(text):
    return fingerprint(ast.parse(text).body[0])


AREA = "def area(w, h=2.0):\n    return w * h"


@pytest.mark.parametrize(
    "text",
    [
        "def area(w, h=2.0):\n    return w * h  # square metres",
        "def area(w,\n         h = 2.):\n\n  return (w*h)",
        'def area(w, h=2.0):\n    """The area."""\n    return w * h',
        'def area(w, h=2.0):\n    "The area."\n    """Not less."""\n    return w * h',
    ],
    ids=["comment", "layout", "docstring", "comment in quotes"],
)
def test_comments_docstrings_and_layout_do_not_matter(text):
    assert first(text) == first(AREA)


@pytest.mark.parametrize(
    "text",
    [
        "def area(w, h=2):\n    return w * h",
        "def area(w, h=2.5):\n    return w * h",
        "def area(w, h):\n    return w * h",
        "def area(w, height=2.0):\n    return w * height",
        "def size(w, h=2.0):\n    return w * h",
        "def area(w, h=2.0):\n    return h * w",
        "def area(w, h=2.0):\n    print(w)\n    return w * h",
        "@cache\ndef area(w, h=2.0):\n    return w * h",
        "async def area(w, h=2.0):\n    return w * h",
        "def area(w, h=2.0) -> float:\n    return w * h",
    ],
)
def test_every_other_change_does(text):
    assert first(text) != first(AREA)


def test_a_fingerprint_is_the_same_in_every_python():
    """This file runs on each supported version of Python, with the constants that one of them gave."""
    text = """
class Box(Base, metaclass=Meta):
    size: int = 3
    def __init__(self, w, /, h=-1e-7, *rest, key=None, **more):
        self.w, self.h = float(w), [x ** 2 for x in rest if x is not None]
        with open(f"{w!r:>10}", "wb") as file, lock:
            file.write(b"x" + b"\\0")
        try:
            x[1:, ::2, ...] += {"a": 1, **more}["a"]
        except (OSError, ValueError) as error:
            raise KeyError("no" "thing") from error
        finally:
            del self.w
        while not (1 < h <= 2.5j or key) and True:
            yield lambda a, b=2: a @ b if a else -b
            global counter
            assert h, "text"
"""
    assert first(text) == "e0d56695491b1c09"


def test_names_that_are_bound_once_are_definitions():
    found = source("import math\ndef f(x):\n    y = x\n    return y\nclass C: pass\nsize = 3\na, b = 1, 2\n")
    assert found.definitions.keys() == {"f", "C", "size"}
    assert found.written.keys() == {"f", "C"}


@pytest.mark.parametrize(
    "more",
    [
        "def f(x): return 2",
        "f = other",
        "if gpu:\n    f = other",
        "for f in fs: pass",
        "try: pass\nexcept OSError as f: pass",
        "with open('x') as f: pass",
        "f += 1",
        "del f",
        "import f",
        "from here import g as f",
        "if gpu:\n    from here import f",
        "f.slope = 2",
        "f.table[0].x = 2",
        "def g():\n    global f\n    f = 2",
        "class C:\n    def g(self):\n        global f\n        f = 2",
        "match x:\n    case [f, *rest]: pass",
        "from here import *",
    ],
)
@pytest.mark.filterwarnings("ignore::SyntaxWarning")
def test_a_name_that_is_bound_or_changed_again_is_none(more):
    assert "f" not in source(f"def f(x): return 1\n{more}\n").definitions


def test_a_star_import_above_a_definition_takes_nothing_from_it():
    assert "f" in source("from here import *\ndef f(x): return 1\n").definitions


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("def f(x):\n    y = g(x)\n    return np.exp(y)", {"g", "np"}),
        ("def f(x, y=SIZE, *, z=WIDTH):\n    return x", {"SIZE", "WIDTH"}),
        ("def f(x):\n    return f(x - 1)", set()),
        ("def f(x):\n    g = 1\n    return g", set()),
        ("def f(x):\n    def g(y):\n        return x + h(y)\n    return [i(z) for z in x]", {"h", "i"}),
        ("def f(x):\n    return lambda y: g(x, y)", {"g"}),
        ("def f(x):\n    global n\n    n = x", {"n"}),
        ("class f(Base):\n    size = g()\n    def h(self):\n        return self.size + size", {"Base", "g", "size"}),
        ("f = g + len(h)", {"g", "len", "h"}),
    ],
)
def test_a_definition_refers_to_the_names_that_it_does_not_bind_itself(text, names):
    assert source(text).references("f") == names
