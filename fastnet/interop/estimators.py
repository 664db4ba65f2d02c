"""Networks as scikit-learn's estimators: for its pipelines, searches and cross-validation."""

import math
import warnings
from collections.abc import Iterator, Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from fastnet._checks import FloatArray, as_count, as_float, as_fraction, real_array, refuse_mask, sample_weights
from fastnet._extras import needing
from fastnet._streams import print_line
from fastnet._training.divergence import are_finite
from fastnet._training.early_stopping import Best
from fastnet.interop._epochs import Data, Objective, Rows, epoch, initial, named_optimizer, predicted
from fastnet.networks import MultiLayerNet

with needing("sklearn", "an estimator of fastnet"):
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.metrics import accuracy_score, r2_score
    from sklearn.model_selection import train_test_split
    from sklearn.utils import check_random_state, gen_batches, shuffle
    from sklearn.utils.multiclass import check_classification_targets, type_of_target
    from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

    from fastnet.interop._sparse import refuse_broken

__all__ = ["NetClassifier", "NetRegressor"]

ACTIVATIONS = {"logistic": "sigmoid"}  # scikit-learn's name: the book's
FLOATS = (np.float64, np.float32)  # X of another dtype becomes the first


class _NetEstimator(BaseEstimator):
    """What the classifier and the regressor share: the arguments, and the training."""

    network_: MultiLayerNet
    classes_: npt.NDArray[Any]
    loss_: float
    loss_curve_: list[float]
    n_iter_: int
    validation_scores_: list[float] | None
    best_validation_score_: float | None
    best_loss_: float | None
    _is_multilabel: bool
    _optimizer: Any  # None until there is one for the network

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: str = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: Any = "auto",
        learning_rate_init: float = 0.001,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        n_iter_no_change: float = 10,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate_init = learning_rate_init
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.n_iter_no_change = n_iter_no_change

    @property
    def coefs_(self) -> list[FloatArray]:
        """The weights of each layer: ``network_.params["W1"]`` and so on."""
        return [parameter for name, parameter in self.network_.params.items() if name[0] == "W"]

    @property
    def intercepts_(self) -> list[FloatArray]:
        """The biases of each layer: ``network_.params["b1"]`` and so on."""
        return [parameter for name, parameter in self.network_.params.items() if name[0] == "b"]

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train a new network; with `warm_start`, go on with the network of the last call.

        Parameters
        ----------
        X : array_like or sparse matrix, real
            ``(N, D)``. float32 stays float32, and everything else becomes float64. CSR stays sparse, and other sparse
            formats become CSR.
        y : array_like
            For a classifier, ``(N,)`` labels of any kind, or ``(N, C)`` zeros and ones: C yes-or-no answers for each
            sample. For a regressor, ``(N,)`` or ``(N, C)`` numbers.
        sample_weight : array_like, real, optional
            How much each sample counts: ``(N,)``, finite, at least 0 and not all 0. A sample of weight 0 is left out.

        Returns
        -------
        self
            The fitted estimator.

        Raises
        ------
        TypeError, ValueError
            If an argument of the constructor or of this method is not as described, or the training diverges.

        Warns
        -----
        ConvergenceWarning
            If the loss still falls after `max_iter` epochs.
        """
        is_new = not (self.warm_start and hasattr(self, "network_"))
        x, t, weight, random = self._prepared(X, y, sample_weight, None, is_new=is_new)
        self._optimizer = self._made_optimizer()
        self._train(Data(x, t, weight), random)
        return self

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Return the answer for each sample.

        Parameters
        ----------
        X : array_like or sparse matrix, real
            ``(N, D)``.

        Returns
        -------
        ndarray
            For a classifier, labels ``(N,)`` in the dtype of `classes_`; for yes-or-no answers, ``(N, C)`` zeros and
            ones as int64. For a regressor, numbers ``(N,)`` or ``(N, C)`` in the network's dtype.

        Raises
        ------
        TypeError, ValueError
            If the estimator is not fitted, or `X` has another number of features or is not finite.
        """
        answers: npt.NDArray[Any] = self._answers(self._outputs(X))
        return answers

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _partial_fit(self, X: Any, y: Any, sample_weight: Any, classes: Any) -> Self:
        """Train for one epoch."""
        if self.early_stopping:
            raise ValueError("early_stopping needs all data at once: partial_fit cannot use it")
        x, t, weight, random = self._prepared(X, y, sample_weight, classes, is_new=not hasattr(self, "network_"))
        if self._optimizer is None:
            self._optimizer = self._made_optimizer()
        data = Data(x, t, weight)
        self._train_epoch(data, next(self._orders(data.rows(), random)))
        self.n_iter_ = 1
        return self

    def _prepared(
        self, X: Any, y: Any, sample_weight: Any, classes: Any, *, is_new: bool
    ) -> tuple[Any, npt.NDArray[Any], FloatArray | None, np.random.RandomState]:
        """Check the data, make a network if there is none to go on with, and return what to train with."""
        self._check_arguments()
        for array, name in ((X, "X"), (y, "y")):
            refuse_mask(array, name)
            refuse_broken(array, name)
        hidden_sizes = self._hidden_sizes()
        activation = ACTIVATIONS.get(self.activation, self.activation)
        if not is_new:
            self._refuse_another_network(hidden_sizes, activation)
        x, y = validate_data(
            self, X, y, accept_sparse="csr", dtype=FLOATS if is_new else self.network_.dtype, multi_output=True,
            y_numeric=isinstance(self, RegressorMixin), reset=is_new,
        )
        if not isinstance(y, np.ndarray):  # sparse
            y = y.toarray()
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        weight = None if sample_weight is None else _weights(sample_weight, x.shape[0])
        t, output = self._targets(y, classes, is_new=is_new)
        if output != "softmax":
            with np.errstate(over="ignore"):
                t = t.astype(x.dtype)
            if not np.isfinite(t).all():
                raise ValueError(f"y holds a number too large for {x.dtype}, the dtype of X: scale y")
        random = check_random_state(self.random_state)
        columns = t.shape[1] if t.ndim == 2 else len(self.classes_)
        if is_new:
            self.network_ = initial([x.shape[1], *hidden_sizes, columns], activation, output, x.dtype, random)
            self.loss_curve_, self._optimizer = [], None
        elif columns != len(self.intercepts_[-1]):
            raise ValueError(
                f"y has {columns} columns, but the network has {len(self.intercepts_[-1])} outputs: "
                "both must be the same"
            )
        return x, t, weight, random

    def _train(self, data: Data, random: np.random.RandomState) -> None:
        """Train until nothing gets better, or for `max_iter` epochs."""
        rows, validation, scores = data.rows(), None, []
        if self.early_stopping:
            rows, validation = self._split(data, rows, random)
        orders, best, waited = self._orders(rows, random), Best(), 0
        best_loss, best_score = math.inf, -math.inf
        for epochs in range(1, self.max_iter + 1):
            self._train_epoch(data, next(orders))
            self.n_iter_ = epochs
            if validation is None:
                is_better = self.loss_ <= best_loss - self.tol
            else:
                score = self._score(validation)
                is_better = score >= best_score + self.tol
                best_score = max(score, best_score)
                best.keep(-score, self.network_)
                scores.append(score)
                if self.verbose:
                    print_line(f"  score on the validation data {score:.6f}")
            best_loss = min(self.loss_, best_loss)
            waited = 0 if is_better else waited + 1
            if waited > self.n_iter_no_change:
                break
        else:
            warnings.warn(
                f"the training has reached max_iter={self.max_iter} epochs, and still gets better: choose a larger one",
                ConvergenceWarning,
                stacklevel=3,
            )
        is_early = validation is not None
        self.best_loss_ = None if is_early else best_loss
        self.validation_scores_ = scores if is_early else None
        self.best_validation_score_ = best_score if is_early else None
        if is_early:
            best.restore(self.network_)

    def _train_epoch(self, data: Data, order: Rows) -> None:
        size = min(200, len(order)) if self.batch_size == "auto" else min(self.batch_size, len(order))
        batches = [order[part] for part in gen_batches(len(order), size)]
        self.loss_ = epoch(self.network_, self._optimizer, data, batches, self._objective())
        self.loss_curve_.append(self.loss_)
        if self.verbose:
            print_line(f"epoch {len(self.loss_curve_)}: loss {self.loss_:.8f}")
        if not are_finite(self.network_.params):
            raise ValueError(
                f"the training diverged in epoch {len(self.loss_curve_)}: the weights are no longer finite. Scale X, "
                f"and y if it holds numbers, or choose a smaller learning_rate_init than {self.learning_rate_init!r}"
            )

    def _orders(self, rows: Rows, random: np.random.RandomState) -> Iterator[Rows]:
        """Yield the order of the samples for each epoch, which are those of scikit-learn's networks."""
        while True:
            if self.shuffle:
                rows = shuffle(rows, random_state=random)
            yield rows

    def _split(self, data: Data, rows: Rows, random: np.random.RandomState) -> tuple[Rows, Data]:
        """Return the samples to train on, and those for validation."""
        is_binary = isinstance(self, ClassifierMixin) and data.t.shape[1:] == (1,)
        stratify = data.t[rows] if is_binary else None
        try:
            rows, held_out = train_test_split(
                rows, test_size=self.validation_fraction, random_state=random, stratify=stratify
            )
        except ValueError as error:
            raise ValueError(
                f"early_stopping cannot set aside validation_fraction={self.validation_fraction!r} of {len(rows)} "
                f"samples: {error}"
            ) from None
        if len(held_out) < 2:
            raise ValueError(
                f"validation_fraction={self.validation_fraction!r} of {len(rows) + len(held_out)} samples is less than "
                "2: early_stopping needs more"
            )
        weight = None if data.weight is None else data.weight[held_out]
        return rows, Data(data.x[held_out], data.t[held_out], weight)

    def _outputs(self, X: Any) -> FloatArray:
        check_is_fitted(self)
        refuse_mask(X, "X")
        refuse_broken(X, "X")
        with np.errstate(over="ignore", invalid="ignore"):  # what is too large for the dtype is an error
            x = validate_data(self, X, accept_sparse="csr", dtype=self.network_.dtype, reset=False)
        return predicted(self.network_, x)

    def _made_optimizer(self) -> Any:
        # Momentum and SGD depend on the scale of the loss, which multiplies the step. The other solvers do not.
        lr = self.learning_rate_init * (self._objective().scale if self.solver == "sgd" else 1)
        return named_optimizer(self.solver, lr, self.momentum, self.nesterovs_momentum, (self.beta_1, self.beta_2))

    def _check_arguments(self) -> None:
        as_count(self.max_iter, "max_iter")
        if self.batch_size != "auto":
            as_count(self.batch_size, "batch_size")
        if self.n_iter_no_change != math.inf:
            as_count(self.n_iter_no_change, "n_iter_no_change")
        as_float(self.learning_rate_init, "learning_rate_init")
        as_float(self.alpha, "alpha", positive=False)
        as_float(self.tol, "tol", positive=False)
        for name in ("momentum", "beta_1", "beta_2", "validation_fraction"):
            as_fraction(getattr(self, name), name)
        if not isinstance(self.activation, str):
            raise TypeError(f"activation must be the name of one, got {self.activation!r}")

    def _hidden_sizes(self) -> list[int]:
        given = self.hidden_layer_sizes
        sizes = given if isinstance(given, Sequence) and not isinstance(given, str) else np.atleast_1d(given)
        return [as_count(size, "each of hidden_layer_sizes") for size in sizes]

    def _refuse_another_network(self, hidden_sizes: list[int], activation: str) -> None:
        """Raise a ValueError if the network to go on with is not the one that the arguments now describe."""
        had = [b.size for b in self.intercepts_[:-1]], self.network_.activation
        if (hidden_sizes, activation.lower()) != had:
            raise ValueError(
                f"hidden_layer_sizes={hidden_sizes} with activation={activation!r} is another network than that of the "
                f"last call, {had[0]} with {had[1]!r}: fit a clone of the estimator, or set warm_start=False"
            )


class NetClassifier(ClassifierMixin, _NetEstimator):
    """A `MultiLayerNet` as a classifier of scikit-learn.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default (100,)
        The number of units of each hidden layer. An empty sequence gives a linear model.
    activation : str, default "relu"
        The activation of the hidden layers: "relu", "tanh", "identity", "leaky_relu", "elu", or "logistic", which the
        book calls "sigmoid"; both names are right.
    solver : {"adam", "sgd", "rmsprop", "adagrad"}, default "adam"
        The optimizer of `fastnet.optimizer`. "sgd" is `Nesterov` or `Momentum`, and without momentum `SGD`.
    alpha : float, default 0.0001
        The strength of the weight decay (L2 regularization), at least 0. As in scikit-learn, it is divided by the
        number of samples in a mini-batch.
    batch_size : int or "auto", default "auto"
        The number of samples in a mini-batch, at most N. "auto" is 200.
    learning_rate_init : float, default 0.001
        The learning rate, above 0.
    max_iter : int, default 200
        The largest number of epochs. An epoch takes every sample once.
    shuffle : bool, default True
        Whether each epoch takes the samples in a new order.
    random_state : int or numpy.random.RandomState, optional
        Draws the initial weights, the samples for validation, and the orders. None is NumPy's global
        generator.
    tol : float, default 0.0001
        An epoch is better if it lowers the loss by this much; with `early_stopping`, if it raises the score.
    verbose : bool, default False
        Print the loss of every epoch.
    warm_start : bool, default False
        Whether `fit` goes on with the network of the last call.
    momentum : float, default 0.9
        For "sgd": the fraction of the velocity that an update keeps, at least 0 and below 1.
    nesterovs_momentum : bool, default True
        For "sgd" with momentum: whether it is Nesterov's.
    early_stopping : bool, default False
        Judge the epochs by the score on samples that are set aside, and keep the best weights.
    validation_fraction : float, default 0.1
        The share of these samples.
    beta_1, beta_2 : float, default 0.9 and 0.999
        For "adam": how much the averages keep of the gradients, and of their squares.
    n_iter_no_change : int or inf, default 10
        Stop after more than this number of epochs of which none is better.

    Attributes
    ----------
    classes_ : ndarray of shape (C,)
        The labels, sorted; of yes-or-no answers, their numbers.
    network_ : MultiLayerNet
        The trained network of fastnet, for everything else that it can do, such as to save it.
    coefs_, intercepts_ : list of ndarray
        Its weights ``(D, H)``, ... and biases ``(H,)``, ..., not copies.
    loss_curve_ : list of float
        The loss of every epoch: the mean over the samples, each before the update of its mini-batch.
    loss_, best_loss_ : float
        The last, and the lowest of the last `fit`. With `early_stopping`, `best_loss_` is None.
    validation_scores_ : list of float or None
        The score of every epoch on the samples for validation, with `early_stopping`.
    best_validation_score_ : float or None
        The highest of them.
    n_iter_ : int
        The number of epochs of the last `fit`.
    n_features_in_ : int
        D, the number of inputs.
    feature_names_in_ : ndarray of shape (D,)
        The names of the columns, if `X` was a table with names.

    Raises
    ------
    ImportError
        If scikit-learn is not installed. An argument that is wrong raises an error in `fit`, not here.

    See Also
    --------
    NetRegressor : The same for numbers.

    Notes
    -----
    "Deep Learning from Scratch", chapters 5 and 6, with the defaults and the meaning of the arguments of scikit-learn's
    `MLPClassifier`. With the same `random_state`, both begin with the same weights (Glorot and Bengio, 2010), and draw
    the same mini-batches. For labels of more than two classes, the loss is the cross-entropy of a softmax; for two
    classes and for yes-or-no answers, the binary cross-entropy of a sigmoid, summed over the answers of a sample.

    A sparse `X` is never dense as a whole: only one mini-batch is at a time, ``batch_size x D`` numbers. For
    predictions, 200 samples are.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.interop import NetClassifier
    >>> random = np.random.default_rng(0)
    >>> X = random.normal(size=(300, 2))
    >>> y = np.where(X[:, 0] * X[:, 1] > 0, "same", "other")  # whether both have the same sign
    >>> net = NetClassifier([20], learning_rate_init=0.01, tol=0.001, random_state=0).fit(X, y)
    >>> print(net.score(X, y) > 0.95, net.predict([[1.0, 1.0], [1.0, -1.0]]), net.predict_proba(X).shape)
    True ['same' 'other'] (300, 2)
    """

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> Self:
        """Train for one epoch, and keep everything for the next call: the network, the optimizer, and the losses.

        Parameters
        ----------
        X : array_like or sparse matrix, real
            ``(N, D)``, as in `fit`.
        y : array_like
            Labels ``(N,)`` or zeros and ones ``(N, C)``, as in `fit`.
        sample_weight : array_like, real, optional
            ``(N,)``, as in `fit`.
        classes : array_like, optional
            All labels ``(C,)`` that will come. The first call needs them, unless `y` has zeros and ones.

        Returns
        -------
        self
            The fitted estimator.

        Raises
        ------
        TypeError, ValueError
            As in `fit`; if the first call gets no `classes`, or a later one others; with `early_stopping`.

        Examples
        --------
        >>> import numpy as np
        >>> from fastnet.interop import NetClassifier
        >>> X, y = np.eye(4), ["even", "odd", "even", "odd"]
        >>> net = NetClassifier([5], learning_rate_init=0.1, random_state=0)
        >>> for _ in range(30):
        ...     _ = net.partial_fit(X, y, classes=["even", "odd"])
        >>> print(net.predict(X), len(net.loss_curve_))
        ['even' 'odd' 'even' 'odd'] 30
        """
        if classes is None and not hasattr(self, "network_") and type_of_target(y) != "multilabel-indicator":
            raise ValueError("the first call of partial_fit needs classes: all labels that will come")
        return self._partial_fit(X, y, sample_weight, classes)

    def predict_proba(self, X: Any) -> FloatArray:
        """Return the probability of every class.

        Parameters
        ----------
        X : array_like or sparse matrix, real
            ``(N, D)``.

        Returns
        -------
        ndarray
            ``(N, C)``, in the network's dtype and the order of `classes_`; of yes-or-no answers, how probable yes is.

        Raises
        ------
        TypeError, ValueError
            As in `predict`.
        """
        y = self._outputs(X)
        return np.hstack([1 - y, y]) if self._is_binary() else y

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    def _targets(self, y: Any, classes: Any, *, is_new: bool) -> tuple[npt.NDArray[Any], str]:
        """Return the targets, and the output that the network needs for them; a new network sets `classes_`."""
        check_classification_targets(y)
        kind = type_of_target(y, input_name="y")
        if kind == "multiclass-multioutput":
            raise ValueError(f"y must be labels (N,), or zeros and ones (N, C); got labels of shape {y.shape}")
        is_multilabel = kind == "multilabel-indicator"
        if not is_new and is_multilabel != self._is_multilabel:
            raise ValueError("y must be of the same kind as in the last call: labels, or rows of zeros and ones")
        self._is_multilabel = is_multilabel
        if is_multilabel:
            if is_new:
                self.classes_ = np.arange(y.shape[1])
            return y, "sigmoid"
        if not is_new and classes is not None and not np.array_equal(np.unique(classes), self.classes_):
            raise ValueError(f"classes must be those of the first call, {self.classes_.tolist()}, got {classes!r}")
        if is_new:
            self.classes_ = np.unique(y if classes is None else classes)
            if len(self.classes_) < 2:
                raise ValueError(f"y must hold at least two classes, got one class: {self.classes_.tolist()}")
        unknown = np.setdiff1d(y, self.classes_).tolist()
        if unknown:
            raise ValueError(
                f"y holds {unknown[0]!r}, which is not one of the classes {self.classes_.tolist()}: "
                "give all of them as classes to the first partial_fit"
            )
        labels = np.searchsorted(self.classes_, y)
        if len(self.classes_) == 2:
            return labels[:, np.newaxis], "sigmoid"
        return labels, "softmax"

    def _objective(self) -> Objective:
        scale = len(self.intercepts_[-1]) if self.network_.output == "sigmoid" else 1
        return Objective(scale, self.alpha)

    def _is_binary(self) -> bool:
        return not self._is_multilabel and len(self.classes_) == 2

    def _decided(self, y: FloatArray) -> npt.NDArray[Any]:
        """Return the number of the most probable class; for yes-or-no answers, rows of zeros and ones."""
        return y.argmax(axis=1) if self.network_.output == "softmax" else (y > 0.5).astype(np.int64)

    def _answers(self, y: FloatArray) -> npt.NDArray[Any]:
        decided = self._decided(y)
        return decided if self._is_multilabel else self.classes_[decided.ravel()]

    def _score(self, data: Data) -> float:
        decided = self._decided(predicted(self.network_, data.x))
        return float(accuracy_score(data.t, decided, sample_weight=data.weight))


class NetRegressor(RegressorMixin, _NetEstimator):
    """A `MultiLayerNet` with the output "identity" as a regressor of scikit-learn.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default (100,)
        The number of units of each hidden layer. An empty sequence gives a linear model.
    activation : str, default "relu"
        The activation of the hidden layers: "relu", "tanh", "identity", "leaky_relu", "elu", or "logistic", which the
        book calls "sigmoid"; both names are right.
    solver : {"adam", "sgd", "rmsprop", "adagrad"}, default "adam"
        The optimizer of `fastnet.optimizer`. "sgd" is `Nesterov` or `Momentum`, and without momentum `SGD`.
    alpha : float, default 0.0001
        The strength of the weight decay (L2 regularization), at least 0. As in scikit-learn, it is divided by the
        number of samples in a mini-batch.
    batch_size : int or "auto", default "auto"
        The number of samples in a mini-batch, at most N. "auto" is 200.
    learning_rate_init : float, default 0.001
        The learning rate, above 0.
    max_iter : int, default 200
        The largest number of epochs. An epoch takes every sample once.
    shuffle : bool, default True
        Whether each epoch takes the samples in a new order.
    random_state : int or numpy.random.RandomState, optional
        Draws the initial weights, the samples for validation, and the orders. None is NumPy's global
        generator.
    tol : float, default 0.0001
        An epoch is better if it lowers the loss by this much; with `early_stopping`, if it raises the score.
    verbose : bool, default False
        Print the loss of every epoch.
    warm_start : bool, default False
        Whether `fit` goes on with the network of the last call.
    momentum : float, default 0.9
        For "sgd": the fraction of the velocity that an update keeps, at least 0 and below 1.
    nesterovs_momentum : bool, default True
        For "sgd" with momentum: whether it is Nesterov's.
    early_stopping : bool, default False
        Judge the epochs by the score on samples that are set aside, and keep the best weights.
    validation_fraction : float, default 0.1
        The share of these samples.
    beta_1, beta_2 : float, default 0.9 and 0.999
        For "adam": how much the averages keep of the gradients, and of their squares.
    n_iter_no_change : int or inf, default 10
        Stop after more than this number of epochs of which none is better.

    Attributes
    ----------
    network_ : MultiLayerNet
        The trained network of fastnet, for everything else that it can do, such as to save it.
    coefs_, intercepts_ : list of ndarray
        Its weights ``(D, H)``, ... and biases ``(H,)``, ..., not copies.
    loss_curve_ : list of float
        The loss of every epoch: the mean over the samples, each before the update of its mini-batch.
    loss_, best_loss_ : float
        The last, and the lowest of the last `fit`. With `early_stopping`, `best_loss_` is None.
    validation_scores_ : list of float or None
        The score of every epoch on the samples for validation, with `early_stopping`.
    best_validation_score_ : float or None
        The highest of them.
    n_iter_ : int
        The number of epochs of the last `fit`.
    n_features_in_ : int
        D, the number of inputs.
    feature_names_in_ : ndarray of shape (D,)
        The names of the columns, if `X` was a table with names.

    Raises
    ------
    ImportError
        If scikit-learn is not installed. An argument that is wrong raises an error in `fit`, not here.

    See Also
    --------
    NetClassifier : The same for labels.

    Notes
    -----
    "Deep Learning from Scratch", chapters 5 and 6, with the defaults and the meaning of the arguments of scikit-learn's
    `MLPRegressor`. With the same `random_state`, both begin with the same weights (Glorot and Bengio, 2010), and draw
    the same mini-batches. The loss is half of the squared error, summed over the numbers of a sample.

    A sparse `X` is never dense as a whole: only one mini-batch is at a time, ``batch_size x D`` numbers. For
    predictions, 200 samples are.

    Examples
    --------
    >>> import numpy as np
    >>> from fastnet.interop import NetRegressor
    >>> X = np.linspace(-2, 2, 200).reshape(-1, 1)
    >>> y = np.sin(2 * X.ravel())
    >>> net = NetRegressor([30], activation="tanh", learning_rate_init=0.01, max_iter=500, random_state=0).fit(X, y)
    >>> print(net.score(X, y) > 0.99, net.predict(X).shape)
    True (200,)
    """

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train for one epoch, and keep everything for the next call: the network, the optimizer, and the losses.

        Parameters
        ----------
        X : array_like or sparse matrix, real
            ``(N, D)``, as in `fit`.
        y : array_like, real
            Numbers ``(N,)`` or ``(N, C)``.
        sample_weight : array_like, real, optional
            ``(N,)``, as in `fit`.

        Returns
        -------
        self
            The fitted estimator.

        Raises
        ------
        TypeError, ValueError
            As in `fit`; with `early_stopping`.

        Examples
        --------
        >>> import numpy as np
        >>> from fastnet.interop import NetRegressor
        >>> X, y = np.eye(4), [1.0, 2.0, 3.0, 4.0]
        >>> net = NetRegressor([5], learning_rate_init=0.1, random_state=0)
        >>> for _ in range(200):
        ...     _ = net.partial_fit(X, y)
        >>> print(net.predict(X).round(2))
        [1. 2. 3. 4.]
        """
        return self._partial_fit(X, y, sample_weight, None)

    def _targets(self, y: Any, *_: Any, **__: Any) -> tuple[npt.NDArray[Any], str]:
        if y.dtype.kind not in "biuf":
            raise TypeError(f"y must hold numbers, got dtype {y.dtype}")
        return y.reshape(len(y), -1), "identity"

    def _objective(self) -> Objective:
        return Objective(len(self.intercepts_[-1]) / 2, self.alpha)

    def _answers(self, y: FloatArray) -> npt.NDArray[Any]:
        return y.ravel() if y.shape[1] == 1 else y

    def _score(self, data: Data) -> float:
        return float(r2_score(data.t, predicted(self.network_, data.x), sample_weight=data.weight))


def _weights(sample_weight: Any, count: int) -> FloatArray:
    """Return the weights of the samples as they are, in float64: weight decay depends on their sum."""
    weights = real_array(sample_weight, "sample_weight").astype(np.float64)
    sample_weights(weights, (count,))  # refuses what is not a weight
    with np.errstate(over="ignore"):
        total = float(weights.sum())
    if not 1e-300 < total < math.inf:
        raise ValueError(f"sample_weight must have a sum above 1e-300 that is finite, got {total}: scale the weights")
    return weights
