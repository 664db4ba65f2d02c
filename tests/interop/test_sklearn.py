"""fastnet's estimators in scikit-learn's own hands: its checks, its tools, and its networks beside them."""

import pickle

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the extra `sklearn` is not installed")

import scipy.sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import estimator_html_repr
from sklearn.utils.estimator_checks import parametrize_with_checks

from fastnet import MultiLayerNet
from fastnet.interop import NetClassifier, NetRegressor

pytestmark = pytest.mark.filterwarnings(
    "ignore:the training has reached max_iter", "ignore:.*hasn't converged yet", "ignore::FutureWarning:sklearn",
    "ignore::DeprecationWarning:sklearn",
)

random = np.random.default_rng(0)
X = random.normal(size=(250, 6))
NUMBERS = np.sin(X[:, 0]) + X[:, 1] * X[:, 2]
THREE = np.array(["low", "middle", "high"], object)[np.digitize(NUMBERS, [-0.5, 0.5])]
TWO = np.where(NUMBERS > 0, "yes", "no")
ANSWERS = (X[:, :3] > 0).astype(int)
TARGETS = {
    "two classes": (NetClassifier, MLPClassifier, TWO),
    "three classes": (NetClassifier, MLPClassifier, THREE),
    "yes or no": (NetClassifier, MLPClassifier, ANSWERS),
    "a number": (NetRegressor, MLPRegressor, NUMBERS),
    "numbers": (NetRegressor, MLPRegressor, np.column_stack([NUMBERS, X[:, 0], -X[:, 1]])),
}


CHECKS = parametrize_with_checks([NetClassifier(), NetRegressor()])


@pytest.mark.parametrize(CHECKS.args[0], list(CHECKS.args[1]), **CHECKS.kwargs)  # scikit-learn 1.6 has a generator
def test_it_passes_the_checks_of_scikit_learn(estimator, check):
    check(estimator)


# --- beside scikit-learn's networks ----------------------------------------------------------------------------------


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(
    "options",
    [
        {"solver": "adam"},
        {"solver": "adam", "activation": "logistic", "early_stopping": True},
        {"solver": "sgd", "learning_rate_init": 0.01, "activation": "tanh", "alpha": 1.0},
        {"solver": "sgd", "learning_rate_init": 0.01, "nesterovs_momentum": False, "shuffle": False},
        {"solver": "sgd", "learning_rate_init": 0.01, "momentum": 0.0, "hidden_layer_sizes": (8, 5)},
    ],
    ids=["adam", "early stopping", "decay", "momentum", "deep"],
)
def test_the_weights_are_those_of_scikit_learns_network(target, options):
    ours, theirs, y = TARGETS[target]
    options = {"hidden_layer_sizes": (8,), "max_iter": 8, "batch_size": 60, "random_state": 3, **options}
    outputs = 1 if y.ndim == 1 else y.shape[1]
    scale = outputs / 2 if ours is NetRegressor else outputs  # of scikit-learn's loss, and so of its gradient
    extra = {"epsilon": 1e-7 * scale} if options["solver"] == "adam" else {}  # the book's
    # scikit-learn 1.6 cannot stop early where the classes are strings. Their order is that of their numbers.
    names, numbers = (None, y) if y.dtype.kind in "if" else np.unique(y, return_inverse=True)
    one, other = ours(**options).fit(X, y), theirs(**options, **extra).fit(X, numbers)
    for got, wanted in zip([*one.coefs_, *one.intercepts_], [*other.coefs_, *other.intercepts_], strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-9, atol=1e-10)  # a few hundred updates in float64
    assert one.n_iter_ == other.n_iter_
    if target != "numbers":  # scikit-learn's loss is not the one whose gradient it descends there
        np.testing.assert_allclose(one.loss_curve_, other.loss_curve_, rtol=1e-5)  # the book's eps in the logarithm
    if ours is NetClassifier:
        predicted = other.predict(X)
        np.testing.assert_array_equal(one.predict(X), predicted if names is None else names[predicted])


@pytest.mark.parametrize("target", TARGETS)
def test_many_classes_and_numbers_are_learned(target):
    ours, _, y = TARGETS[target]
    net = ours((40,), learning_rate_init=0.01, max_iter=300, random_state=0).fit(X, y)
    assert net.score(X, y) > 0.95
    assert net.loss_curve_[-1] < net.loss_curve_[0]
    assert len(net.loss_curve_) == net.n_iter_


# --- in the tools of scikit-learn ------------------------------------------------------------------------------------


def test_it_works_in_pipelines_searches_and_cross_validation():
    net = NetClassifier((10,), max_iter=60, learning_rate_init=0.02, random_state=0)
    pipeline = make_pipeline(StandardScaler(), net)
    search = GridSearchCV(pipeline, {"netclassifier__alpha": [1e-4, 1e3]}, cv=3).fit(X, THREE)
    assert search.best_params_ == {"netclassifier__alpha": 1e-4}
    assert cross_val_score(pipeline, X, TWO, cv=3).mean() > 0.8
    net = NetRegressor(max_iter=60, learning_rate_init=0.01, random_state=0)
    assert cross_val_score(net, X, NUMBERS, cv=3).mean() > 0.5


@pytest.mark.parametrize("target", TARGETS)
def test_a_pickle_predicts_the_same_and_goes_on(target):
    ours, _, y = TARGETS[target]
    net = ours((5,), max_iter=3, random_state=0).fit(X, y)
    copy = pickle.loads(pickle.dumps(net))
    np.testing.assert_array_equal(copy.predict(X), net.predict(X))
    np.testing.assert_array_equal(
        copy.partial_fit(X, y).coefs_[0], net.partial_fit(X, y).coefs_[0], err_msg="the optimizer is in the pickle"
    )


def test_a_clone_is_not_fitted_and_has_the_same_arguments():
    net = NetClassifier([7], activation="tanh", random_state=0, max_iter=1).fit(X, TWO)
    assert clone(net).get_params() == net.get_params()
    assert not hasattr(clone(net), "network_")


@pytest.mark.parametrize("fitted", [True, False])
def test_a_notebook_can_show_it(fitted):
    net = NetClassifier([7], random_state=0, max_iter=1)
    assert "NetClassifier" in estimator_html_repr(net.fit(X, TWO) if fitted else net)
    for name in dir(net):
        if name.endswith("_") and not name.startswith("_"):
            try:
                getattr(net, name)
            except AttributeError:
                assert not fitted, name


# --- data ------------------------------------------------------------------------------------------------------------

SPARSE = np.where(random.random(X.shape) < 0.3, X, 0)


class Watched(scipy.sparse.csr_matrix):
    """A sparse matrix that remembers how many of its rows became dense at most."""

    most = 0

    def toarray(self, *arguments, **options):
        type(self).most = max(type(self).most, self.shape[0])
        return super().toarray(*arguments, **options)


def cut(matrix):
    matrix.data = matrix.data[:-1]  # a view: the memory goes on


def fall(matrix):
    matrix.indptr[1] = matrix.indptr[2] + 1


RISES = r"indptr must hold \d+ numbers that rise from 0 to at most"


# What is wrong here stays within the arrays' memory, whoever reads it.
@pytest.mark.parametrize(("kind", "change", "wanted"), [
    ("csr", lambda matrix: matrix.indices.__setitem__(0, matrix.shape[1]), r"indices must be from 0 to \d+, got 0 to"),
    ("csr", lambda matrix: matrix.indices.__setitem__(-1, -1), r"indices must be from 0 to \d+, got -1 to"),
    *[(kind, change, RISES) for kind in ("csr", "csc", "bsr") for change in (cut, fall)],
    *[(kind, lambda matrix: matrix.indptr.__setitem__(0, 1), RISES) for kind in ("csr", "csc", "bsr")],
])  # fmt: skip
def test_a_broken_sparse_matrix_is_refused_before_anything_reads_it(kind, change, wanted):
    broken = scipy.sparse.csr_matrix(SPARSE).asformat(kind)
    change(broken)
    net = NetClassifier((4,), max_iter=1, random_state=0).fit(SPARSE, TWO)
    for use in (net.predict, net.predict_proba, lambda matrix: clone(net).fit(matrix, TWO)):
        with pytest.raises(ValueError, match=f"^X is a broken sparse matrix: its {wanted}"):
            use(broken)
    answers = scipy.sparse.csr_matrix(ANSWERS).asformat(kind)
    change(answers)
    with pytest.raises(ValueError, match=f"^y is a broken sparse matrix: its {wanted}"):
        clone(net).fit(SPARSE, answers)


def test_sparse_batches_train_with_weights_validation_and_yes_or_no_answers():
    weight = random.random(len(X)) * (random.random(len(X)) < 0.8)
    for y, options in ((THREE, {"early_stopping": True}), (ANSWERS, {}), (ANSWERS, {"early_stopping": True})):
        net = NetClassifier((4,), max_iter=4, batch_size=50, random_state=0, **options)
        dense, sparse = (clone(net).fit(x, y, weight) for x in (SPARSE, scipy.sparse.csr_array(SPARSE)))
        for got, wanted in zip(sparse.coefs_ + sparse.intercepts_, dense.coefs_ + dense.intercepts_, strict=True):
            np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_sparse_matrix_gives_what_the_array_gives_and_is_never_dense_as_a_whole(target, early_stopping):
    ours, _, y = TARGETS[target]
    net = ours((5,), max_iter=4, batch_size=50, random_state=0, early_stopping=early_stopping)
    dense = clone(net).fit(SPARSE, y)
    Watched.most = 0
    sparse = clone(net).fit(Watched(SPARSE), y)
    assert Watched.most <= 50
    np.testing.assert_allclose(sparse.coefs_[0], dense.coefs_[0], rtol=1e-10)
    for matrix in (scipy.sparse.csr_matrix(SPARSE), scipy.sparse.csc_array(SPARSE), scipy.sparse.coo_matrix(SPARSE)):
        np.testing.assert_allclose(sparse._outputs(matrix), dense._outputs(SPARSE), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("solver", ["adam", "sgd", "rmsprop", "adagrad"])
def test_float32_stays_float32(solver):
    net = NetClassifier((5,), solver=solver, max_iter=2, random_state=0).fit(X.astype(np.float32), THREE)
    assert {each.dtype for each in [*net.coefs_, *net.intercepts_]} == {np.dtype(np.float32)}
    assert net.predict_proba(X.astype(np.float32)).dtype == np.float32
    assert NetRegressor(max_iter=1).fit(X.astype(np.float32), NUMBERS).predict(X).dtype == np.float32


@pytest.mark.parametrize("target", TARGETS)
def test_a_weight_counts_like_that_many_copies_and_zero_like_none(target):
    ours, _, y = TARGETS[target]
    weight = np.arange(len(X)) % 3
    net = ours((5,), max_iter=5, batch_size=1000, random_state=0, alpha=0.1)
    weighted = clone(net).fit(X, y, sample_weight=weight)
    copied = clone(net).fit(X.repeat(weight, axis=0), y.repeat(weight, axis=0))
    np.testing.assert_allclose(weighted.coefs_[0], copied.coefs_[0], rtol=1e-9)
    np.testing.assert_allclose(weighted.loss_curve_, copied.loss_curve_, rtol=1e-10)


def test_probabilities_are_in_the_order_of_the_classes_and_sum_to_1():
    for y in (TWO, THREE):
        net = NetClassifier((10,), max_iter=100, learning_rate_init=0.02, random_state=0).fit(X, y)
        probabilities = net.predict_proba(X)
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-12)
        np.testing.assert_array_equal(net.classes_[probabilities.argmax(axis=1)], net.predict(X))
        assert net.classes_.tolist() == sorted(set(y))
    net = NetClassifier((10,), max_iter=5, random_state=0).fit(X, ANSWERS)
    np.testing.assert_array_equal(net.predict(X), (net.predict_proba(X) > 0.5).astype(int))


def test_names_of_columns_are_kept():
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame(X, columns=list("abcdef"))
    net = NetRegressor(max_iter=1, random_state=0).fit(table, NUMBERS)
    assert net.feature_names_in_.tolist() == list("abcdef")
    assert net.n_features_in_ == 6


# --- calls one after the other ---------------------------------------------------------------------------------------


def test_partial_fit_is_an_epoch_and_takes_the_classes_that_will_come():
    net = NetClassifier((5,), max_iter=1, random_state=0)
    some = THREE != "high"
    net.partial_fit(X[some], THREE[some], classes=["high", "low", "middle"])
    first = net.coefs_[0].copy()
    net.partial_fit(X, THREE, None, ["middle", "low", "high"])
    assert net.predict_proba(X).shape == (250, 3)
    assert len(net.loss_curve_) == 2
    assert not np.array_equal(first, net.coefs_[0])
    by_fit = NetClassifier((5,), max_iter=1, random_state=0).fit(X, THREE)
    by_part = NetClassifier((5,), random_state=0).partial_fit(X, THREE, classes=np.unique(THREE))
    np.testing.assert_array_equal(by_fit.coefs_[0], by_part.coefs_[0])


def test_a_warm_start_goes_on_and_a_cold_one_does_not():
    net = NetRegressor((5,), max_iter=3, random_state=0, warm_start=True).fit(X, NUMBERS)
    first = net.loss_curve_[:]
    net.fit(X, NUMBERS)
    assert net.loss_curve_[:3] == first
    assert net.loss_curve_[3] < first[-1]
    assert net.n_iter_ == 3
    assert len(net.set_params(warm_start=False).fit(X, NUMBERS).loss_curve_) == 3


def test_early_stopping_keeps_the_best_weights():
    net = NetClassifier((50,), early_stopping=True, max_iter=200, learning_rate_init=0.05, random_state=0).fit(X, THREE)
    assert net.n_iter_ < 200
    assert net.best_validation_score_ == max(net.validation_scores_)
    assert len(net.validation_scores_) == net.n_iter_


def test_the_network_is_one_of_fastnets():
    net = NetClassifier((5,), max_iter=1, random_state=0).fit(X, THREE)
    assert isinstance(net.network_, MultiLayerNet)
    np.testing.assert_array_equal(net.network_.predict(X), net.predict_proba(X))


def test_verbose_prints_the_loss_of_every_epoch(capsys):
    NetRegressor(max_iter=2, verbose=True, random_state=0).fit(X, NUMBERS)
    assert [line.split(":")[0] for line in capsys.readouterr().out.splitlines()] == ["epoch 1", "epoch 2"]
    NetRegressor(max_iter=1, early_stopping=True, verbose=True, random_state=0).fit(X, NUMBERS)
    assert "score on the validation data" in capsys.readouterr().out


# --- what is wrong ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"hidden_layer_sizes": (5, 0)}, "each of hidden_layer_sizes must be at least 1"),
        ({"activation": "swish"}, "activation must be one of"),
        ({"solver": "lbfgs"}, "solver must be one of 'adam', 'sgd', 'rmsprop', 'adagrad', got 'lbfgs'"),
        ({"alpha": -1}, "alpha must be"),
        ({"batch_size": 0}, "batch_size must be at least 1"),
        ({"learning_rate_init": 0}, "learning_rate_init must be"),
        ({"max_iter": 0}, "max_iter must be at least 1"),
        ({"tol": -1}, "tol must be"),
        ({"momentum": 1.5}, "momentum must be"),
        ({"beta_1": 1}, "beta_1 must be"),
        ({"n_iter_no_change": 0}, "n_iter_no_change must be at least 1"),
        ({"early_stopping": True, "validation_fraction": 0.004}, "validation_fraction=0.004 of 250 samples"),
        ({"early_stopping": True, "validation_fraction": 0}, "cannot set aside validation_fraction=0 of 250 samples"),
        ({"solver": "sgd", "learning_rate_init": 1e9, "max_iter": 50}, "diverged in epoch"),
    ],
)
def test_wrong_arguments_are_refused_by_fit(arguments, error):
    net = NetRegressor(**arguments)
    with pytest.raises(ValueError, match=error), np.errstate(all="ignore"):
        net.fit(X, NUMBERS * 1e3)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"activation": ["relu"]}, r"activation must be the name of one, got \['relu'\]"),
        ({"hidden_layer_sizes": [2, "3"]}, "each of hidden_layer_sizes must be an integer, got '3'"),
    ],
)
def test_an_argument_of_another_type_is_refused_as_it_came(arguments, error):
    with pytest.raises(TypeError, match=error):
        NetRegressor(**arguments).fit(X, NUMBERS)


def test_too_few_samples_for_each_class_are_an_error_about_early_stopping():
    with pytest.raises(ValueError, match=r"early_stopping cannot set aside validation_fraction=0\.1 of 4 samples"):
        NetClassifier(early_stopping=True).fit(X[:4], [0, 1, 0, 1])


@pytest.mark.parametrize(
    ("weight", "error", "message"),
    [
        (np.full(250, 1e308), ValueError, "sample_weight must have a sum .* got inf"),
        (np.full(250, 1e-320), ValueError, "sample_weight must have a sum"),
        (np.full(250, 1 + 1j), TypeError, "sample_weight must hold real numbers"),
        (["a"] * 250, TypeError, "sample_weight must hold real numbers"),
    ],
)
def test_weights_that_cannot_be_used_are_named(weight, error, message):
    with pytest.raises(error, match=message):
        NetClassifier(max_iter=1).fit(X, TWO, sample_weight=weight)


def test_a_sparse_matrix_of_numbers_to_predict_is_taken():
    dense, sparse = (
        NetRegressor((5,), max_iter=2, random_state=0).fit(X, y).coefs_[0]
        for y in (ANSWERS, scipy.sparse.csc_array(ANSWERS))
    )
    np.testing.assert_array_equal(dense, sparse)


def test_masks_are_refused():
    masked = np.ma.array(X, mask=X > 1)
    for call in (
        lambda: NetRegressor().fit(masked, NUMBERS), lambda: NetRegressor().fit(X, np.ma.array(NUMBERS)),
        lambda: NetRegressor(max_iter=1).fit(X, NUMBERS).predict(masked),
    ):  # fmt: skip
        with pytest.raises(TypeError, match=r"[Xy] is a masked array, whose mask would be lost"):
            call()


def test_numbers_too_large_for_a_network_in_float32_are_refused():
    small = X.astype(np.float32)
    with pytest.raises(ValueError, match="y holds a number too large for float32, the dtype of X"):
        NetRegressor().fit(small, NUMBERS * 1e300)
    net = NetRegressor(max_iter=1).fit(small, NUMBERS)
    with pytest.raises(ValueError, match="too large for dtype"):
        net.predict(X * 1e300)


def test_what_is_neither_labels_nor_numbers_is_refused():
    with pytest.raises(ValueError, match=r"y must be labels \(N,\), or zeros and ones .* shape \(250, 2\)"):
        NetClassifier().fit(X, np.stack([np.arange(250) % 3, np.arange(250) % 2], axis=1))
    with pytest.raises(TypeError, match="y must hold numbers, got dtype datetime64"):
        NetRegressor().fit(X, np.full(250, "2026-01-01", "M8[D]"))


def test_another_number_of_outputs_is_refused():
    net = NetRegressor((5,), max_iter=1, random_state=0).partial_fit(X, NUMBERS)
    with pytest.raises(ValueError, match="y has 2 columns, but the network has 1 outputs"):
        net.partial_fit(X, X[:, :2])


@pytest.mark.parametrize("changed", [{"hidden_layer_sizes": (7,)}, {"activation": "tanh"}])
def test_a_warm_start_refuses_another_network(changed):
    net = NetRegressor((5,), max_iter=1, random_state=0, warm_start=True).fit(X, NUMBERS)
    before = net.coefs_[0].copy()
    net.set_params(**changed)
    for go_on in (net.fit, net.partial_fit):
        with pytest.raises(ValueError, match="is another network than that of the last call"):
            go_on(X, NUMBERS)
    np.testing.assert_array_equal(net.coefs_[0], before)
    assert net.set_params(warm_start=False).fit(X, NUMBERS).n_iter_ == 1


def test_wrong_data_are_refused():
    with pytest.raises(ValueError, match="two classes, got one class"):
        NetClassifier().fit(X, ["a"] * 250)
    with pytest.raises(ValueError, match="all sample weights are zero"):
        NetClassifier().fit(X, TWO, sample_weight=np.zeros(250))
    with pytest.raises(ValueError, match="needs classes"):
        NetClassifier().partial_fit(X, TWO)
    with pytest.raises(ValueError, match="early_stopping needs all data"):
        NetRegressor(early_stopping=True).partial_fit(X, NUMBERS)
    net = NetClassifier(max_iter=1).fit(X, TWO)
    with pytest.raises(ValueError, match="'low', which is not one of the classes"):
        net.partial_fit(X[:1], ["low"])
    with pytest.raises(ValueError, match="classes must be those of the first call"):
        net.partial_fit(X, TWO, classes=["a", "b"])
    with pytest.raises(ValueError, match="of the same kind"):
        net.partial_fit(X, ANSWERS)
    with pytest.raises(NotFittedError):
        NetClassifier().predict(X)


@pytest.mark.filterwarnings("default:the training has reached")
def test_it_warns_if_the_loss_still_falls():
    with pytest.warns(ConvergenceWarning, match="max_iter=2 epochs"):
        NetRegressor(max_iter=2, random_state=0).fit(X, NUMBERS)
