"""The perceptron answers, learns what a straight line parts, and says when there is none; the gates are the book's."""

import numpy as np
import pytest
from hostile import LAYOUTS, REFUSED, snapshot

from fastnet import Perceptron
from fastnet.perceptron import AND, NAND, OR, XOR

pytestmark = pytest.mark.usefixtures("backend")

INPUTS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
TABLES = {AND: [0, 0, 0, 1], NAND: [1, 1, 1, 0], OR: [0, 1, 1, 1], XOR: [0, 1, 1, 0]}
ALL_GATES = pytest.mark.parametrize("gate", TABLES, ids=lambda gate: gate.__name__)


# --- gates -----------------------------------------------------------------------------------------------------------


@ALL_GATES
def test_a_gate_gives_its_truth_table_for_numbers_and_for_arrays(gate):
    for (x1, x2), y in zip(INPUTS.tolist(), TABLES[gate], strict=True):
        assert gate(x1, x2) == y
        assert gate(bool(x1), float(x2)) == y
        assert gate(x1, x2).dtype == np.int64
        assert gate(x1, x2).shape == ()
    assert gate(*INPUTS.T).tolist() == TABLES[gate]
    assert gate([0, 1], [[0], [1]]).tolist() == np.reshape(TABLES[gate], (2, 2)).tolist()  # all four are symmetric
    assert gate(np.empty((0, 3)), 1).shape == (0, 3)


def test_the_gates_of_one_layer_part_the_plane_by_the_book_s_lines_and_xor_by_two():
    x1, x2 = np.meshgrid(np.linspace(-1, 2, 31), np.linspace(-1, 2, 30))  # no x1 + x2 is 0.4 or 1.4
    assert np.array_equal(AND(x1, x2), x1 + x2 > 1.4)
    assert np.array_equal(NAND(x1, x2), x1 + x2 < 1.4)
    assert np.array_equal(OR(x1, x2), x1 + x2 > 0.4)
    assert np.array_equal(XOR(x1, x2), (x1 + x2 > 0.4) & (x1 + x2 < 1.4))


@ALL_GATES
def test_gates_name_the_input_that_they_refuse(gate):
    with pytest.raises(ValueError, match=r"x1 has shape \(2,\) and x2 has shape \(3,\): they must broadcast"):
        gate([0, 1], [0, 1, 0])
    for name, bad in REFUSED.items():
        with pytest.raises(TypeError, match=r"\bx1\b"):
            gate(bad(), 0)
        with pytest.raises(TypeError, match=r"\bx2\b"):
            gate(0, REFUSED[name]())


# --- predict ---------------------------------------------------------------------------------------------------------


def test_it_fires_above_its_threshold_and_not_at_it():
    perceptron = Perceptron(w=[2.0, -1.0], b=-3.0)
    assert perceptron.predict([[2.0, 1.0], [2.0, 0.5], [2.0, 1.5], [0.0, 0.0]]).tolist() == [0, 1, 0, 0]
    assert perceptron.predict([2.0, 0.5]) == 1
    assert perceptron.predict([2.0, 1.0]).dtype == np.int64
    assert perceptron.predict(np.empty((0, 2))).shape == (0,)


def test_the_bias_is_0_by_default_and_both_may_be_replaced():
    perceptron = Perceptron([1])
    assert perceptron.predict([[1], [0], [-1]]).tolist() == [1, 0, 0]
    perceptron.b = 2
    assert perceptron.predict([[1], [-2], [-1]]).tolist() == [1, 0, 1]
    perceptron.w = [1, 1, 1]
    assert perceptron.predict([-1, -1, 0.5]) == 1
    assert repr(perceptron) == "Perceptron(w=[1.0, 1.0, 1.0], b=2.0)"


def test_it_keeps_a_copy_of_its_weights():
    w = np.array([1.0, 2.0])
    perceptron = Perceptron(w)
    perceptron.fit([[1.0, 1.0]], [0])
    assert w.tolist() == [1, 2]
    w[:] = -1
    assert perceptron.w.tolist() == [0, 1]


def test_learning_replaces_the_weights_and_leaves_an_array_that_was_assigned_alone():
    perceptron, w = Perceptron([1.0, 2.0]), np.array([0.0, 0.0])
    perceptron.w = w
    perceptron.fit([[1.0, 1.0]], [1])
    assert perceptron.w.tolist() == [1, 1]
    assert w.tolist() == [0, 0]


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.__name__)
def test_predict_takes_any_layout_and_leaves_it_alone(layout):
    x = layout(np.array([[1.0, 0.0, 3.0], [0.5, 2.0, -1.0]], np.float32))
    before = snapshot(x)
    assert Perceptron([1, 1, 1], -2).predict(x).tolist() == [1, 0]
    assert snapshot(x) == before


def test_special_values_raise_no_warning():
    perceptron = Perceptron([1.0, 1.0])
    x = [[np.nan, 1], [np.inf, 1], [-np.inf, 1], [np.inf, -np.inf], [1e308, 1e308]]
    assert perceptron.predict(x).tolist() == [0, 1, 0, 0, 1]


# --- fit -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("gate", [AND, NAND, OR], ids=lambda gate: gate.__name__)
@pytest.mark.parametrize("kind", [int, bool, float])
def test_it_learns_a_gate_of_one_layer(gate, kind):
    perceptron = Perceptron([0, 0])
    mistakes = perceptron.fit(INPUTS, np.array(TABLES[gate], kind))
    assert mistakes[-1] == 0
    assert 0 not in mistakes[:-1]
    assert perceptron.predict(INPUTS).tolist() == TABLES[gate]


def test_it_cannot_learn_xor_and_ends_all_the_same():
    mistakes = Perceptron([0, 0]).fit(INPUTS, TABLES[XOR])
    assert len(mistakes) == 100
    assert 0 not in mistakes


def test_every_mistake_moves_the_weights_by_the_sample():
    perceptron = Perceptron([0.0, 0.0])
    # (1, 2) should fire and does not: w = (1, 2), b = 1. (3, -1) should not, and 3 - 2 + 1 > 0: w = (-2, 3), b = 0.
    # (0, 1) should, and 3 > 0.
    assert perceptron.fit([[1, 2], [3, -1], [0, 1]], [1, 0, 1], epochs=1) == [2]
    assert perceptron.w.tolist() == [-2, 3]
    assert perceptron.b == 0
    # (1, 2): 4 > 0. (3, -1): -9. (0, 1): 3 > 0.
    assert perceptron.fit([[1, 2], [3, -1], [0, 1]], [1, 0, 1]) == [0]


def test_it_learns_what_a_hyperplane_parts():
    random = np.random.default_rng(0)
    x = random.normal(size=(200, 5))
    x = x[abs(x @ [1, -2, 3, 0, 1] + 0.5) > 0.3]  # the margin bounds the number of mistakes
    t = x @ [1, -2, 3, 0, 1] + 0.5 > 0
    perceptron = Perceptron(np.zeros(5))
    assert perceptron.fit(x, t, epochs=1000)[-1] == 0
    assert np.array_equal(perceptron.predict(x), t)


def test_fit_takes_one_sample_and_none():
    perceptron = Perceptron([0, 0])
    assert perceptron.fit([1, 1], 1) == [1, 0]
    assert perceptron.w.tolist() == [1, 1]
    assert perceptron.fit(np.empty((0, 2)), []) == [0]


# --- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([[1, 2]],), ValueError, r"w must have shape \(D,\).*got shape \(1, 2\)"),
        (([],), ValueError, r"w must have shape \(D,\).*got shape \(0,\)"),
        ((1.0,), ValueError, r"w must have shape \(D,\).*got shape \(\)"),
        ((["a"],), TypeError, "w must hold real numbers"),
        (([1.0], [1.0]), ValueError, r"b must be one number, got shape \(1,\)"),
        (([1.0], None), TypeError, "b must hold real numbers"),
        (([1.0], 1j), TypeError, "b must hold real numbers"),
    ],
)
def test_weights_that_are_none_raise_when_given_and_when_used(arguments, error, message):
    with pytest.raises(error, match=message):
        Perceptron(*arguments)
    perceptron = Perceptron([1.0, 2.0])
    perceptron.w, perceptron.b = (*arguments, 0.0)[:2]
    for call in (lambda: perceptron.predict([1, 1]), lambda: perceptron.fit([1, 1], 1), lambda: repr(perceptron)):
        with pytest.raises(error, match=message):
            call()


@pytest.mark.parametrize(
    ("keywords", "error", "message"),
    [
        ({"x": INPUTS[:, :1]}, ValueError, r"x must have shape \(N, 2\).*got shape \(4, 1\)"),
        ({"x": [["a", "b"]]}, TypeError, "x must hold real numbers"),
        ({"t": [0, 1, 1]}, ValueError, r"t must have shape \(4,\).*got shape \(3,\)"),
        ({"t": [[0], [1], [1], [0]]}, ValueError, r"t must have shape \(4,\)"),
        ({"t": [-1, 1, 1, -1]}, ValueError, r"t\[0\] is -1; a perceptron's targets must be 0 or 1"),
        ({"t": [0, 1, 0.5, np.nan]}, ValueError, r"t\[2\] is 0.5"),
        ({"t": [0, 1, 1, np.nan]}, ValueError, r"t\[3\] is nan"),
        ({"t": ["0", "1", "1", "0"]}, TypeError, "t must hold real numbers"),
        ({"epochs": 0}, ValueError, "epochs must be at least 1, got 0"),
        ({"epochs": 1.0}, TypeError, "epochs must be an integer"),
    ],
)
def test_fit_refuses_and_learns_nothing(keywords, error, message):
    perceptron = Perceptron([0.0, 0.0])
    with pytest.raises(error, match=message):
        perceptron.fit(**{"x": INPUTS, "t": [0, 1, 1, 1], **keywords})
    assert perceptron.w.tolist() == [0, 0]
    assert perceptron.b == 0
