"""The data of a trainer: NaN and infinity are named before it starts, and not blamed on the learning rate."""

import sys
import types

import numpy as np
import pytest

from fastnet import MultiLayerNet, Perceptron, SimpleNet, Trainer, TwoLayerNet, functions
from fastnet._checks import FINITE_BLOCK as BLOCK

X, T = np.zeros((6, 4)), np.array([0, 1, 2, 0, 1, 2])


def make(**data):
    given = {"x_train": X, "t_train": T, "x_test": X, "t_test": T, **data}
    return Trainer(TwoLayerNet(4, 2, 3), **given)


def with_one(array, place, value):
    array = np.array(array, float)
    array[place] = value
    return array


@pytest.mark.parametrize(("value", "word"), [(np.nan, "NaN"), (np.inf, "infinity"), (-np.inf, "-infinity")])
@pytest.mark.parametrize("name", ["x_train", "x_test", "x_val"])
def test_the_first_value_that_is_not_finite_is_named_with_its_row_and_its_column(name, value, word):
    bad = with_one(with_one(X, (5, 0), value), (4, 2), value)
    data = {"validation": (bad, T)} if name == "x_val" else {name: bad}
    message = rf"^{name} holds {word} in row 4, column 2 \(counted from 0\): leave out the rows .* or replace"
    with pytest.raises(ValueError, match=message):
        make(**data)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", ">f4"])
@pytest.mark.parametrize("order", ["C", "F", "reversed"])
def test_it_is_found_in_any_float_array(dtype, order):
    bad = with_one(X, (3, 1), np.nan).astype(dtype)
    bad = bad[::-1][:, ::-1][::-1][:, ::-1] if order == "reversed" else np.array(bad, order=order)
    with pytest.raises(ValueError, match="x_train holds NaN in row 3, column 1 "):
        make(x_train=bad)


@pytest.mark.parametrize("row", [0, BLOCK // 4 - 1, BLOCK // 4, BLOCK])
def test_it_is_found_in_every_block(row):
    bad = np.zeros((BLOCK + 1, 4), "f4")
    bad[row, 3] = np.nan
    with pytest.raises(ValueError, match=f"x_train holds NaN in row {row}, column 3 "):
        make(x_train=bad, t_train=np.zeros(BLOCK + 1, int))


def test_it_is_found_in_targets_of_every_shape_and_in_pictures():
    with pytest.raises(ValueError, match="t_train holds NaN in row 2, column 1 "):
        make(t_train=with_one(np.eye(3)[T], (2, 1), np.nan))
    with pytest.raises(ValueError, match=r"t_test holds infinity in row 5 \(counted"):
        make(t_test=with_one(T, 5, np.inf))
    with pytest.raises(ValueError, match=r"x_train holds NaN in row 1, place \(0, 2, 3\) \(counted"):
        make(x_train=with_one(np.zeros((6, 1, 4, 4)), (1, 0, 2, 3), np.nan))


def test_nothing_is_looked_for_in_integers_and_large_numbers_are_accepted():
    assert make(x_train=X.astype(np.uint8)).x_train.dtype == np.uint8
    assert make(x_train=with_one(X, (1, 1), 1e308)).x_train.max() == 1e308


def test_the_advice_for_targets_is_not_to_make_up_a_mean():
    with pytest.raises(ValueError, match="pandas' <NA>") as caught:
        make(t_train=with_one(T, 2, np.nan))
    assert "mean" not in str(caught.value)
    with pytest.raises(ValueError, match=r"leave out the rows .* by the mean of their column$"):
        make(x_train=with_one(X, (2, 1), np.nan))


def test_no_data_is_changed():
    bad = with_one(X, (3, 1), np.nan)
    before = bad.copy()
    with pytest.raises(ValueError, match="x_train holds NaN"):
        make(x_train=bad)
    assert np.array_equal(bad, before, equal_nan=True)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_perceptron_does_not_learn_from_them_either(value):
    perceptron = Perceptron([0.0, 0.0])
    with pytest.raises(ValueError, match=r"^x holds .* in row 2, column 1 "):
        perceptron.fit([[0, 0], [0, 1], [1, value]], [0, 0, 1])
    with pytest.raises(ValueError, match=r"^x holds .* in row 1 "):
        perceptron.fit([0, value], 1)
    assert perceptron.w.tolist() == [0, 0]


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_parameter_that_is_not_finite_is_named_when_the_training_starts(value):
    trainer = make()
    before = trainer.network.params["W1"].copy()
    trainer.network.params["W2"][1, 2] = value
    with pytest.raises(ValueError, match=rf"^network.params\['W2'\]\[1, 2\] is {value}: "):
        trainer.train()
    assert trainer.train_loss_list == []
    assert np.array_equal(trainer.network.params["W1"], before)
    trainer.network.params["W2"][1, 2] = 0.0
    trainer.train_step()
    trainer.network.params["b"] = float(value)
    with pytest.raises(ValueError, match=rf"^network.params\['b'\] is {value}: "):
        trainer.train()


# --- tables of other libraries ---------------------------------------------------------------------------------------


class Missing:
    """As pandas' <NA>."""

    def __repr__(self):
        return "<NA>"


Missing.__name__ = "NAType"


def table(rows, **dtypes):
    """What is asked of a DataFrame of pandas."""

    class DataFrame:
        def __init__(self):
            self.dtypes, self.columns = dtypes, list(dtypes)

        def __array__(self, dtype=None, copy=None):
            return np.array(rows, object)

        def to_numpy(self, dtype):
            return np.array(rows, dtype)

        fillna = None

    return DataFrame()


class csr_matrix:  # noqa: N801
    """What is asked of a sparse matrix of SciPy, of which NumPy makes an array of one object."""

    shape = (6, 4)

    def toarray(self):
        return np.zeros(self.shape)


EVERYWHERE = {
    "a function": lambda x: functions.softmax(x),
    "predict": lambda x: TwoLayerNet(4, 2, 3).predict(x),
    "gradient": lambda x: MultiLayerNet(4, [2], 3).gradient(x, T),
    "accuracy": lambda x: TwoLayerNet(4, 2, 3).accuracy(x, T),
    "SimpleNet": lambda x: SimpleNet(4, 3).loss(x, T),
    "Trainer": lambda x: make(x_train=x),
    "validation": lambda x: make(validation=(x, T)),
}


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("call", EVERYWHERE.values(), ids=EVERYWHERE)
def test_a_sparse_matrix_is_named_wherever_it_is_given(call):
    message = r"^(x|x_train|x_val) must hold real numbers .*, got a sparse matrix \(csr_matrix\): write \1.toarray\(\)$"
    with pytest.raises(TypeError, match=message):
        call(csr_matrix())


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("call", EVERYWHERE.values(), ids=EVERYWHERE)
def test_a_nullable_column_is_named_wherever_it_is_given(call):
    rows = [[1, 2.0], [3, 4.0], [Missing(), 6.0]]
    message = (
        r"got dtype object from pandas \(age: Int64\): (x|x_train|x_val)\[2, 0\] is <NA>. Fill in the missing values, "
        r"for example with \1.fillna\(0\), then write \1.to_numpy\(float\)$"
    )
    with pytest.raises(TypeError, match=message):
        call(table(rows, age="Int64", height=np.dtype(float)))


def test_a_nullable_column_without_missing_values_needs_only_another_dtype():
    with pytest.raises(TypeError, match=r"from pandas \(a: Int64\): write x.to_numpy\(float\)$"):
        functions.relu(table([[1], [2]], a="Int64"))


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ([1.0, None], r"dtype object: x\[1\] is None. Fill in the missing values, then write numpy.asarray\(x, fl"),
        (np.array([1, 2.5, True], object), r"dtype object: write numpy.asarray\(x, float\)$"),
        (np.array([[1, "a"]], object), r"dtype object: x\[0, 1\] is 'a'$"),
        (["a", "b"], "dtype <U1$"),
        (None, "dtype object$"),
        ({"a": 1}, "dtype object$"),
    ],
)
def test_other_objects_are_named_by_the_first_that_is_no_number(x, message):
    with pytest.raises(TypeError, match=message):
        functions.relu(x)


def test_scipys_own_matrices_are_named():
    sparse = pytest.importorskip("scipy.sparse")
    for made in (sparse.csr_matrix(X), sparse.coo_array(X), sparse.lil_matrix(X)):
        with pytest.raises(TypeError, match=rf"a sparse matrix \({type(made).__name__}\): write x_train.toarray\(\)"):
            make(x_train=made)
        make(x_train=made.toarray())


def test_pandas_own_columns_are_named_and_the_advice_works():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": pandas.array([1, None], "Int64"), "b": [1.0, 2.0]})
    with pytest.raises(TypeError, match=r"from pandas \(a: Int64\): x\[1, 0\] is <NA>"):
        functions.relu(frame)
    assert functions.relu(frame.fillna(0).to_numpy(float)).tolist() == [[1, 1], [0, 2]]
    with pytest.raises(TypeError, match=r"from pandas \(BooleanArray: boolean\): x\[1\] is <NA>"):
        functions.relu(pandas.array([True, None], "boolean"))


def test_a_nullable_column_of_which_pandas_makes_numbers_is_accepted():
    pandas = pytest.importorskip("pandas")
    labels = pandas.Series(T, dtype="Int64")
    if np.asarray(labels).dtype == object:
        pytest.skip("this pandas makes objects of it")
    assert make(t_train=labels).t_train.tolist() == T.tolist()
    labels[2] = pandas.NA
    with pytest.raises(ValueError, match=r"t_train holds NaN in row 2 .*, such as pandas' <NA>"):
        make(t_train=labels)


def test_neither_scipy_nor_pandas_is_imported(monkeypatch):
    for name in ("scipy", "scipy.sparse", "pandas"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))  # an attribute of it would be an AttributeError
    with pytest.raises(TypeError, match="a sparse matrix"):
        functions.relu(csr_matrix())
