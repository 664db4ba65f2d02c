"""Networks as scikit-learn's estimators: for its pipelines, searches and cross-validation."""

import math
import warnings
from collections.abc import Iterator
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from fastnet._checks import FloatArray, as_count, as_float, as_fraction, sample_weights
from fastnet._streams import print_line
from fastnet._training.divergence import are_finite
from fastnet._training.early_stopping import Best
from fastnet.interop._epochs import Data, Objective, Rows, epoch, initial, named_optimizer, predicted
from fastnet.networks import MultiLayerNet

try:
    import sklearn  # noqa: F401
except ImportError as error:
    raise ImportError(
        f"fastnet's estimators need scikit-learn, which fastnet's extra `sklearn` installs ({error})"
    ) from None

from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state, gen_batches, shuffle
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

__all__ = ["NetClassifier", "NetRegressor"]

ACTIVATIONS = {"logistic": "sigmoid"}  # scikit-learn's name: the book's
FLOATS = (np.float64, np.float32)  # X of another dtype becomes the first


class _NetEstimator(BaseEstimator):
    """What the classifier and the regressor share: the arguments, and the training."""

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
        return self._answers(self._outputs(X))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _partial_fit(self, X: Any, y: Any, sample_weight: Any, classes: Any) -> Self:
        """Train for one epoch."""
        if self.early_stopping:
            raise ValueError("early_stopping needs all data at once: partial_fit cannot use it")
        x, t, weight, random = self._prepared(X, y, sample_weight, classes, is_new=not hasattr(self, "network_"))
        if not hasattr(self, "_optimizer"):
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
        x, y = validate_data(
            self, X, y, accept_sparse="csr", dtype=FLOATS if is_new else self.network_.dtype, multi_output=True,
            y_numeric=isinstance(self, RegressorMixin), reset=is_new,
        )
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        weight = None
        if sample_weight is not None:
            weight = np.asarray(sample_weight, np.float64)
            sample_weights(weight, (x.shape[0],))  # refuses what is not a weight
        t, output = self._targets(y, classes, x.dtype, is_new=is_new)
        random = check_random_state(self.random_state)
        columns = t.shape[1] if t.ndim == 2 else len(self.classes_)
        if is_new:
            sizes = [x.shape[1], *np.atleast_1d(self.hidden_layer_sizes).tolist(), columns]
            self.network_ = initial(sizes, ACTIVATIONS.get(self.activation, self.activation), output, x.dtype, random)
            self.loss_curve_: list[float] = []
            vars(self).pop("_optimizer", None)
        elif columns != len(self.intercepts_[-1]):
            raise ValueError(f"y has {columns} columns, but the network has {len(self.intercepts_[-1])} outputs")
        return x, t, weight, random

    def _train(self, data: Data, random: np.random.RandomState) -> None:
        """Train until nothing gets better, or for `max_iter` epochs."""
        rows, validation = data.rows(), None
        self.validation_scores_: list[float] | None = None
        self.best_validation_score_: float | None = None
        if self.early_stopping:
            rows, validation = self._split(data, rows, random)
            self.validation_scores_ = []
        orders, best, waited = self._orders(rows, random), Best(), 0
        best_loss, best_score = math.inf, -math.inf
        for self.n_iter_ in range(1, self.max_iter + 1):
            self._train_epoch(data, next(orders))
            if validation is None:
                is_better = self.loss_ <= best_loss - self.tol
            else:
                score = self._score(validation)
                is_better = score >= best_score + self.tol
                best_score = max(score, best_score)
                best.keep(-score, self.network_.params)
                self.validation_scores_.append(score)
                if self.verbose:
                    print_line(f"  score on the validation data {score:.6f}")
            best_loss = min(self.loss_, best_loss)
            waited = 0 if is_better else waited + 1
            if waited > self.n_iter_no_change:
                break
        else:
            warnings.warn(
                f"the training has reached max_iter={self.max_iter} epochs, and still gets better", ConvergenceWarning,
                stacklevel=3,
            )
        self.best_loss_ = None if self.early_stopping else best_loss
        if self.early_stopping:
            self.best_validation_score_ = best_score
            best.restore(self.network_.params)

    def _train_epoch(self, data: Data, order: Rows) -> None:
        size = min(200, len(order)) if self.batch_size == "auto" else min(self.batch_size, len(order))
        batches = [order[part] for part in gen_batches(len(order), size)]
        self.loss_ = epoch(self.network_, self._optimizer, data, batches, self._objective())
        self.loss_curve_.append(self.loss_)
        if self.verbose:
            print_line(f"epoch {len(self.loss_curve_)}: loss {self.loss_:.8f}")
        if not are_finite(self.network_.params):
            raise ValueError(
                f"the training diverged in epoch {len(self.loss_curve_)}: the weights are no longer finite. Scale X, or "
                f"choose a smaller learning_rate_init than {self.learning_rate_init!r}"
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
        rows, held_out = train_test_split(
            rows, test_size=self.validation_fraction, random_state=random, stratify=stratify
        )
        if len(held_out) < 2:
            raise ValueError(
                f"validation_fraction={self.validation_fraction!r} of {len(rows) + len(held_out)} samples is less than "
                "2: early_stopping needs more"
            )
        weight = None if data.weight is None else data.weight[held_out]
        return rows, Data(data.x[held_out], data.t[held_out], weight)

    def _outputs(self, X: Any) -> FloatArray:
        check_is_fitted(self)
        return predicted(self.network_, validate_data(self, X, accept_sparse="csr", dtype=FLOATS, reset=False))

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
        for size in np.atleast_1d(self.hidden_layer_sizes):
            as_count(size, "hidden_layer_sizes")


class NetClassifier(ClassifierMixin, _NetEstimator):  # type: ignore[misc]
    """Doc."""

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> Self:
        """Train for one epoch, and keep everything: the network, the optimizer, and the losses."""
        return self._partial_fit(X, y, sample_weight, classes)

    def predict_proba(self, X: Any) -> FloatArray:
        """Return the probability of every class."""
        y = self._outputs(X)
        return np.hstack([1 - y, y]) if self._is_binary() else y

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    def _targets(self, y: Any, classes: Any, dtype: Any, *, is_new: bool) -> tuple[npt.NDArray[Any], str]:
        """Return the targets, and the output that the network needs for them; a new network sets `classes_`."""
        check_classification_targets(y)
        is_multilabel = type_of_target(y, input_name="y") == "multilabel-indicator"
        if not is_new and is_multilabel != self._is_multilabel:
            raise ValueError("y must be of the same kind as in the last call: labels, or rows of zeros and ones")
        self._is_multilabel = is_multilabel
        if is_multilabel:
            t = (y if isinstance(y, np.ndarray) else y.toarray()).astype(dtype)
            if is_new:
                self.classes_ = np.arange(t.shape[1])
            return t, "sigmoid"
        if is_new:
            self.classes_ = np.unique(y if classes is None else classes)
            if len(self.classes_) < 2:
                raise ValueError(f"y must hold at least two classes, got one class: {self.classes_.tolist()}")
        unknown = np.setdiff1d(y, self.classes_)
        if len(unknown):
            raise ValueError(f"y holds {unknown[0]!r}, which is not one of the classes {self.classes_.tolist()}")
        labels = np.searchsorted(self.classes_, y)
        if len(self.classes_) == 2:
            return labels.astype(dtype)[:, np.newaxis], "sigmoid"
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


class NetRegressor(RegressorMixin, _NetEstimator):  # type: ignore[misc]
    """Doc."""

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train for one epoch, and keep everything: the network, the optimizer, and the losses."""
        return self._partial_fit(X, y, sample_weight, None)

    def _targets(self, y: Any, classes: Any, dtype: Any, *, is_new: bool) -> tuple[npt.NDArray[Any], str]:
        return y.reshape(len(y), -1).astype(dtype), "identity"

    def _objective(self) -> Objective:
        return Objective(len(self.intercepts_[-1]) / 2, self.alpha)

    def _answers(self, y: FloatArray) -> npt.NDArray[Any]:
        return y.ravel() if y.shape[1] == 1 else y

    def _score(self, data: Data) -> float:
        return float(r2_score(data.t, predicted(self.network_, data.x), sample_weight=data.weight))
