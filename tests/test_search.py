"""The random search: what it draws, what it keeps, and that a seed gives one result whatever computes it."""

import math
import os
import sys
from functools import partial

import numpy as np
import pytest

from fastnet import MultiLayerNet, MultiLayerNetExtend, Trainer
from fastnet.plotting import plot_search
from fastnet.search import SearchResult, Trial, random_search

random = np.random.default_rng(0)
X = random.normal(size=(120, 4))
T = (X[:, 0] > X[:, 1]).astype(int)


def trainer_of(network, x, t, lr):
    return Trainer(
        network, x[:80], t[:80], x[80:], t[80:], iterations=20, mini_batch_size=20, optimizer_param={"lr": lr},
        verbose=False, progress=False,
    )  # fmt: skip


def book_train(x, t, make):
    """Return a function like the book's `__train`: the network and the trainer draw from NumPy's global generator."""

    def train(lr, weight_decay):
        trainer = trainer_of(make(4, [10], 2, weight_decay_lambda=weight_decay), x, t, lr)
        trainer.train()
        return trainer.test_acc_list, trainer.train_acc_list

    return train


TRAIN = book_train(X, T, MultiLayerNet)


def constant(**_):
    return [0.5], [0.6]


def test_the_ranges_and_the_number_of_trials_are_the_books():
    result = random_search(constant, seed=0)
    assert len(result.trials) == 100
    for name, low, high in ("weight_decay", 1e-8, 1e-4), ("lr", 1e-6, 1e-2):
        values = np.array([trial.hyper_parameters[name] for trial in result.trials])
        assert values.min() >= low
        assert values.max() <= high
        # Of 100 draws from a uniform distribution, the mean has the standard deviation 0.029 of its width; 4 of them.
        middle = (math.log10(low) + math.log10(high)) / 2
        assert abs(np.log10(values).mean() - middle) < 4 * 0.029 * (math.log10(high) - math.log10(low))


def test_the_first_values_are_those_of_the_books_program_under_the_same_seed():
    np.random.seed(3)
    weight_decay = 10 ** np.random.uniform(-8, -4)
    lr = 10 ** np.random.uniform(-6, -2)
    np.random.seed(3)
    drawn = random_search(constant, 1).trials[0].hyper_parameters
    assert drawn == pytest.approx({"weight_decay": weight_decay, "lr": lr}, rel=1e-15)


def test_every_trial_is_kept_in_the_order_of_the_draws_and_ranked_by_its_last_validation_accuracy():
    accuracies = iter([0.3, math.nan, 0.9, 0.5, 0.9])
    result = random_search(lambda **_: ([0.1, next(accuracies)], [0.2, 0.4]), 5, seed=0)
    assert [trial.number for trial in result.trials] == [0, 1, 2, 3, 4]
    assert [trial.number for trial in result.ranked] == [2, 4, 3, 0, 1]
    assert result.best.accuracy == 0.9
    assert result.trials[0].val_acc_list == [0.1, 0.3]
    assert result.trials[0].train_acc_list == [0.2, 0.4]
    assert str(result).splitlines()[0].startswith("Best-1 (val acc: 0.9000) | weight_decay: ")


def test_a_longer_search_begins_with_the_trials_of_a_shorter_one():
    assert random_search(TRAIN, 4, seed=5).trials[:2] == random_search(TRAIN, 2, seed=5).trials


@pytest.mark.usefixtures("backend")
def test_a_seed_repeats_a_search_and_its_trials_whatever_the_global_generator_is():
    np.random.seed(1)
    first = random_search(TRAIN, 3, seed=0)
    np.random.seed(2)
    assert random_search(TRAIN, 3, seed=0) == first
    best = first.best
    np.random.seed(best.seed)
    assert TRAIN(**best.hyper_parameters) == (best.val_acc_list, best.train_acc_list)
    assert random_search(TRAIN, 3, seed=1) != first


def test_the_global_generator_is_put_back_also_after_an_error():
    np.random.seed(1)
    expected = np.random.random()
    np.random.seed(1)
    random_search(TRAIN, 1, seed=0)
    with pytest.raises(KeyError, match="wrong"):
        random_search(lambda **_: {}["wrong"], 1, seed=0)
    assert np.random.random() == expected


def test_without_a_seed_the_global_generator_decides():
    results = []
    for _ in range(2):
        np.random.seed(4)
        results.append(random_search(TRAIN, 2))
    assert results[0] == results[1]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((None,), TypeError, "train must be a function of the hyperparameters, got None"),
        ((constant, 0), ValueError, "trials must be at least 1, got 0"),
        ((constant, 1.5), TypeError, "trials must be an integer, got 1.5"),
        ((constant, 1, [0, 1]), TypeError, r"ranges must be a dict with a pair \(low, high\)"),
        ((constant, 1, {5: (1, 2)}), TypeError, "the names of the hyperparameters in ranges must be strings, got 5"),
        ((constant, 1, {"lr": 0.1}), TypeError, r"ranges\['lr'\] must be a pair \(low, high\), got 0.1"),
        ((constant, 1, {"lr": (0, 1)}), ValueError, r"ranges\['lr'\] must be a finite number above 0, got 0"),
        ((constant, 1, {"lr": (1, 0.1)}), ValueError, r"ranges\['lr'\] .* the lower one first, got \(1, 0.1\)"),
        ((lambda **_: 0.5, 1), TypeError, "train must return two lists, .* got 0.5"),
        ((lambda **_: (0.5, 0.6), 1), ValueError, r"train must return two lists, .* got shapes \(\) and \(\)"),
        ((lambda **_: ([], []), 1), ValueError, r"the first one not empty; got shapes \(0,\) and \(0,\)"),
        ((lambda **_: (["a"], ["b"]), 1), TypeError, "the list of validation accuracies that train returned must hold"),
    ],
)
def test_wrong_arguments_are_named(arguments, error, message):
    with pytest.raises(error, match=message):
        random_search(*arguments)


@pytest.mark.parametrize(("n_jobs", "error"), [(0, ValueError), (1.5, TypeError), (True, TypeError)])
def test_a_wrong_n_jobs_is_named(n_jobs, error):
    with pytest.raises(error, match="n_jobs must be"):
        random_search(constant, 1, n_jobs=n_jobs)


@pytest.mark.parametrize("missing", ["joblib", "cloudpickle"])
def test_without_joblib_more_than_one_process_says_what_to_install(missing, monkeypatch):
    monkeypatch.setitem(sys.modules, missing, None)
    assert len(random_search(constant, 2, n_jobs=1).trials) == 2
    with pytest.raises(ImportError, match="n_jobs needs fastnet's extra `distributed`: pip install"):
        random_search(constant, 2, n_jobs=2)


# --- in other processes ----------------------------------------------------------------------------------------------


@pytest.fixture
def joblib(time_limit, no_processes_left):  # noqa: ARG001
    pytest.importorskip("cloudpickle", exc_type=ImportError)
    return pytest.importorskip("joblib", exc_type=ImportError)


@pytest.mark.parametrize("make", [MultiLayerNet, partial(MultiLayerNetExtend, use_dropout=True)], ids=["", "dropout"])
@pytest.mark.usefixtures("joblib", "backend")
def test_a_seed_gives_one_result_for_any_number_of_processes(make):
    train = book_train(X, T, make)
    alone = random_search(train, 5, seed=0, n_jobs=1)
    assert random_search(train, 5, seed=0, n_jobs=2) == alone


def test_joblibs_own_setting_counts_if_there_is_no_n_jobs(joblib):
    here = os.getpid()

    def train(**_):
        return [float(os.getpid() == here)], [0.0]

    with joblib.parallel_config(n_jobs=2):
        assert {trial.accuracy for trial in random_search(train, 3, seed=0).trials} == {0.0}
        assert {trial.accuracy for trial in random_search(train, 3, seed=0, n_jobs=1).trials} == {1.0}
    assert {trial.accuracy for trial in random_search(train, 3, seed=0).trials} == {1.0}


@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_threads_and_a_search_within_a_trial_give_the_same_too(joblib, backend):
    def outer(lr):
        inner = random_search(TRAIN, 2, seed=int(1e6 * lr), n_jobs=2)
        return inner.best.val_acc_list, [float(np.random.random())]

    ranges = {"lr": (1e-3, 1.0)}
    alone = random_search(outer, 3, ranges, seed=0)
    with joblib.parallel_config(backend=backend):
        assert random_search(outer, 3, ranges, seed=0, n_jobs=2) == alone


@pytest.mark.usefixtures("joblib")
def test_an_error_of_train_comes_out_with_its_type():
    def train(**_):
        raise LookupError("no data")

    with pytest.raises(LookupError, match="no data"):
        random_search(train, 2, n_jobs=2)


def test_a_result_or_a_trial_of_nothing_says_what_it_lacks():
    with pytest.raises(ValueError, match="trials is empty"):
        SearchResult([]).best  # noqa: B018
    with pytest.raises(ValueError, match="val_acc_list is empty"):
        Trial(0, {"lr": 0.1}, 1, [], []).accuracy  # noqa: B018


def test_what_has_no_accuracy_can_still_be_shown():
    empty, good = Trial(0, {}, 1, [], []), Trial(1, {"lr": 0.1}, 1, [0.5], [0.5])
    assert repr(empty) == "<Trial 0: no accuracy>"
    assert repr(SearchResult([])) == "<SearchResult of 0 trials>"
    assert repr(SearchResult([empty])) == "<SearchResult of 1 trials>"
    assert repr(SearchResult([empty, good])) == "<SearchResult of 2 trials, best accuracy 0.5000>"


# --- the picture -----------------------------------------------------------------------------------------------------


def result_of(count):
    return SearchResult([Trial(k, {"lr": 0.1}, 0, [0.1, k / count], [0.2, 0.9]) for k in range(count)])


@pytest.mark.parametrize(("count", "drawn_plots"), [(1, 1), (7, 7), (30, 20)])
def test_the_picture_has_the_curves_of_the_best_trials(drawn, count, drawn_plots):
    ax = plot_search(result_of(count), title="search", ax=drawn)
    assert ax is drawn
    assert ax.get_title() == "search"
    assert len(ax.child_axes) == drawn_plots
    best = ax.child_axes[0]
    assert best.get_title().startswith("Best-1: ")
    assert [line.get_ydata().tolist() for line in best.lines] == [[0.1, (count - 1) / count], [0.2, 0.9]]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["validation data", "training data"]
    assert best.get_ylim() == (0, 1)


@pytest.mark.parametrize(
    ("result", "options", "error", "message"),
    [
        ([], {}, TypeError, "result must be what random_search returned, got list"),
        (SearchResult([]), {}, ValueError, "result has no trials"),
        (result_of(2), {"count": 0}, ValueError, "count must be at least 1, got 0"),
    ],
)
def test_what_cannot_be_drawn_is_named(result, options, error, message, ax):
    with pytest.raises(error, match=message):
        plot_search(result, ax=ax, **options)
