"""The exercises: right answers pass, each typical mistake is named, and nothing of the reader's is changed."""

import inspect
import runpy
from pathlib import Path

import numpy as np
import pytest

import fastnet
from fastnet import functions, gradient, layers, optimizer, util
from fastnet.exercises import check
from fastnet.exercises._exercise import Exercise

EXERCISES = {name: value for name, value in vars(check).items() if isinstance(value, Exercise)}
ROOT = Path(__file__).resolve().parents[2]
EXERCISES_OF = runpy.run_path(str(ROOT / "docs" / "_extensions" / "exercise_list.py"))["exercises_of"]


def lines(report):
    return str(report).splitlines()


def test_each_chapter_has_ten_exercises_and_all_are_in_check():
    chapters = [__import__(f"fastnet.exercises.chapter_{number}", fromlist=["x"]) for number in range(2, 8)]
    names = [name for chapter in chapters for name in chapter.__all__]
    assert [len(chapter.__all__) for chapter in chapters] == [10] * 6
    assert sorted(names) == sorted(EXERCISES)
    assert sorted(check.__all__) == sorted([*names, "gradient"])


@pytest.mark.parametrize(
    ("chapter", "first", "then"), [(2, "half_adder", "full_adder"), (7, "convolve", "convolution")]
)
def test_the_page_lists_an_exercise_after_the_easier_one(chapter, first, then):
    listed = [exercise.name for exercise in EXERCISES_OF(chapter)]
    assert len(listed) == 10
    assert listed.index(first) < listed.index(then)


@pytest.mark.parametrize("name", EXERCISES)
def test_a_mistake_is_named_without_the_point_that_the_report_adds(name):
    assert not [words for words in EXERCISES[name]._mistakes if words.endswith((".", "?", "!", ":"))]


@pytest.mark.parametrize("name", EXERCISES)
def test_an_exercise_shows_what_is_asked(name):
    exercise = EXERCISES[name]
    assert repr(exercise).startswith(f"{name}(")
    assert exercise.task in inspect.getdoc(exercise).replace("\n", " ")


@pytest.mark.parametrize(
    ("name", "words"), [(name, words) for name, exercise in EXERCISES.items() for words in exercise._mistakes]
)
def test_every_mistake_that_an_exercise_lists_is_named(name, words):
    exercise = EXERCISES[name]
    report = exercise(exercise._mistakes[words])
    assert not report
    assert report.mistake == words
    assert report.example, "no input is named"


@pytest.mark.parametrize(
    ("name", "answer"),
    {
        "step_function": functions.step_function,
        "sigmoid": functions.sigmoid,
        "relu": functions.relu,
        "softmax": functions.softmax,
        "sum_squared_error": functions.sum_squared_error,
        "cross_entropy": functions.cross_entropy_error,
        "cross_entropy_error": functions.cross_entropy_error,
        "cross_entropy_of_labels": functions.cross_entropy_error,
        "numerical_gradient": gradient.numerical_gradient,
        "gradient_descent": gradient.gradient_descent,
        "sigmoid_grad": functions.sigmoid_grad,
        "kl_divergence": fastnet.information.kl_divergence,
        "MulLayer": layers.MulLayer,
        "AddLayer": layers.AddLayer,
        "Relu": layers.Relu,
        "Sigmoid": layers.Sigmoid,
        "Affine": layers.Affine,
        "SoftmaxWithLoss": layers.SoftmaxWithLoss,
        "SGD": optimizer.SGD,
        "Momentum": optimizer.Momentum,
        "AdaGrad": optimizer.AdaGrad,
        "RMSprop": optimizer.RMSprop,
        "Adam": optimizer.Adam,
        "Dropout": layers.Dropout,
        "im2col": lambda x, h, w, stride: util.im2col(x, h, w, stride),
        "convolution": lambda x, W, b: layers.Convolution(W, b).forward(x),
    }.items(),
)
def test_what_fastnet_gives_is_right(name, answer):
    report = EXERCISES[name](answer)
    assert report, str(report)


def test_a_report_tells_the_smallest_input_and_what_is_right_already():
    def softmax(x):
        return np.exp(x) / np.sum(np.exp(x))

    report = check.softmax(softmax)
    assert not report
    assert report.kind == "a batch"
    assert report.example == "x = np.array([[ 1. , -3. ],\n              [ 0.5,  2. ]])"
    assert report.works == ["a vector", "equal scores"]


def test_a_report_of_a_right_answer_tells_on_what_it_was_tried():
    assert str(check.OR(lambda x1, x2: int(x1 + x2 > 0))).startswith("OR: right. Tried on ")


def test_no_right_number_is_told():
    report = check.sum_squared_error(lambda y, t: float(np.sum((y - t) ** 2)) + 7)
    assert "9" not in str(report).replace("y = ", "").split("smallest")[0] or "other numbers are wanted" in str(report)
    assert "2.0" not in report.problem


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda _: None, "gives None. Is there a return at the end?"),
        (lambda _: "text", "but an array is wanted"),
        (lambda _: 1 / 0, "stops with ZeroDivisionError"),
        (lambda: 0, "stops with TypeError"),
        (lambda x: np.asarray(x)[None], "has the shape"),
    ],
)
def test_what_is_no_answer_is_said(answer, words):
    assert words in check.softmax(answer).problem


@pytest.mark.parametrize("name", EXERCISES)
@pytest.mark.parametrize("given", ["text", [1, [2, 3]], {}, {1}, np.array(["a"]), 1j, 10**400, ([1, [2]], "x"), len])
def test_what_is_no_array_of_numbers_is_no_answer(name, given):
    class Answer:
        def __init__(self, *_):
            self.dW = self.db = given

        def forward(self, *_):
            return given

        backward = forward

        def update(self, params, _):
            params.update(dict.fromkeys(params, given))

    for answer in (lambda *_: given), Answer:
        report = EXERCISES[name](answer)
        assert not report
        assert str(report)


def test_what_is_no_function_is_refused():
    with pytest.raises(
        TypeError, match=r"answer must be a function or a class, not ndarray: write check\.softmax\(name\)"
    ):
        check.softmax(functions.softmax([1.0, 2.0]))


def test_trying_an_answer_leaves_the_draws_of_the_reader_alone():
    np.random.seed(5)
    expected = np.random.rand(2)
    np.random.seed(5)
    first = np.random.rand()
    check.mini_batch(lambda x, t, size: (x[:size], t[:size]))
    assert [first, np.random.rand()] == expected.tolist()
