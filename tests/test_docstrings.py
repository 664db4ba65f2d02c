"""The docstring of every public name: what it takes and gives, what it raises, its formula, its source, an example."""

import inspect
import re

import numpy
import pytest
from public import functions_and_classes, methods

NAMES = functions_and_classes()
METHODS = methods()
ALL = NAMES | METHODS

# What computes nothing has neither formula nor source.
WITHOUT_SOURCE = {
    "get_backend", "get_num_threads", "set_num_threads", "use_backend",
    *(name for name in NAMES if re.match(r"(plotting|textbook)\.", name)),
}

SOURCE = re.compile(r'"Deep Learning from Scratch"|\b(19|20)\d\d\b|makers of MNIST|Y\. LeCun')
FORMULA = re.compile(r"``[^`]*[-=+*/(<][^`]*``")
SHAPE = re.compile(r"shape|\((\d+|[A-Z]|\w+_num),.*\)|\(\.\.\.|\d+ x \d+")
DTYPE = re.compile(r"float|int|dtype|bool|label", re.IGNORECASE)


def sections(value):
    """The docstring's sections by title, and what precedes them under "Summary"."""
    parts = re.split(r"^(\w[\w ]*)\n-{3,}\n", inspect.getdoc(value) or "", flags=re.MULTILINE)
    titles = parts[1::2]
    assert len(set(titles)) == len(titles), "a section comes twice"
    return {"Summary": parts[0], **dict(zip(titles, parts[2::2], strict=True))}


def entries(section):
    """The entries of a section in numpydoc's form, each as (what is named, its type, its text)."""
    found = []
    for entry in re.split(r"\n(?=\S)", section.strip()) if section else []:
        head, _, text = entry.partition("\n")
        names, _, kind = head.partition(" : ")
        found.append((names, kind, inspect.cleandoc(text)))
    return found


def documented(section):
    """The arguments that a section names."""
    return [name.lstrip("*") for names, _, _ in entries(section) for name in names.split(", ")]


def signature(value):
    return inspect.signature(value)


def parameters(value):
    taken = signature(value).parameters.values()
    return [parameter.name for parameter in taken if parameter.name not in ("self", "cls")]


def returns_something(value):
    return not inspect.isclass(value) and signature(value).return_annotation not in (None, "None")


@pytest.mark.parametrize("name", ALL)
def test_it_begins_with_one_sentence(name):
    first, *rest = sections(ALL[name].value)["Summary"].split("\n")
    assert re.fullmatch(r"[A-Z`].*\.", first)
    assert rest[:1] in ([], [""])


@pytest.mark.parametrize("name", ALL)
def test_every_argument_is_described(name):
    section = sections(ALL[name].value).get("Parameters", "")
    assert sorted(documented(section)) == sorted(parameters(ALL[name].value))
    for argument, kind, text in entries(section):
        assert kind, argument
        assert text, argument


@pytest.mark.parametrize("name", ALL)
def test_defaults_are_those_of_the_signature(name):
    taken = signature(ALL[name].value).parameters
    for names, kind, _ in entries(sections(ALL[name].value).get("Parameters", "")):
        arguments, stated = names.split(", "), kind.partition("default ")[2]
        each = stated.split(" and ") if len(arguments) > 1 else [stated]  # of several arguments: one for all, or each
        for i, argument in enumerate(arguments):
            default = taken[argument.lstrip("*")].default
            if default is inspect.Parameter.empty:
                assert "default" not in kind, argument
                assert "optional" not in kind, argument
            elif default is None:
                assert "optional" in kind, argument
            else:
                assert stated, argument
                assert eval(each[i % len(each)], {"numpy": numpy}) == default, argument


@pytest.mark.parametrize("name", ALL)
def test_arrays_have_a_shape(name):
    found = sections(ALL[name].value)
    for title in "Parameters", "Returns", "Attributes":
        for what, kind, text in entries(found.get(title, "")):
            array = kind or what
            if re.search(r"\barray_like\b|\bndarray\b", array) and not re.search(r"\b[Aa]s (in|for|of) `\w+`", text):
                assert SHAPE.search(f"{kind} {text}"), what


@pytest.mark.parametrize("name", ALL)
def test_results_are_described_with_their_dtype(name):
    found = sections(ALL[name].value)
    assert ("Returns" in found) == returns_something(ALL[name].value)
    for what, kind, text in entries(found.get("Returns", "")):
        if "ndarray" in (kind or what):
            assert DTYPE.search(f"{what} {kind} {text}") or "`params`" in text, what


@pytest.mark.parametrize("name", [name for name in ALL if parameters(ALL[name].value)])
def test_errors_are_described(name):
    for error, kind, text in entries(sections(ALL[name].value)["Raises"]):
        assert re.fullmatch(r"(\w+Error)(, \w+Error)*", error)
        assert not kind
        assert text.endswith("."), error


@pytest.mark.parametrize("name", [name for name in NAMES if name not in WITHOUT_SOURCE])
def test_it_names_its_formula_and_its_source(name):
    notes = " ".join(sections(NAMES[name].value)["Notes"].split())
    assert SOURCE.search(notes)
    if not inspect.isclass(NAMES[name].value) and NAMES[name].value.__module__.startswith(
        ("fastnet.functions", "fastnet.gradient", "fastnet.information")
    ):
        assert FORMULA.search(notes)


@pytest.mark.parametrize("name", NAMES)
def test_it_has_an_example_that_uses_it(name):
    example = sections(NAMES[name].value)["Examples"]
    assert re.search(rf"^(>>>|\.\.\.) .*\b{name.rpartition('.')[2]}\b", example, re.MULTILINE)


@pytest.mark.parametrize("name", METHODS)
def test_a_method_is_used_in_an_example_of_its_own_or_of_its_class(name):
    examples = [sections(value).get("Examples", "") for value in (METHODS[name].value, METHODS[name].owner)]
    assert re.search(rf"^(>>>|\.\.\.) .*\.{name.rpartition('.')[2]}\(", "\n".join(examples), re.MULTILINE)
