"""The networks of the book: the reader's own classes, and fastnet where these take their time.

The constructor, the attributes and the random draws are the reader's. `predict` calls the layers, which are fastnet's.
Served here are

- `gradient` without what nobody reads: the gradient with respect to the samples, and a weight decay of 0;
- `accuracy`, which predicts some samples at a time;
- `numerical_gradient`, by a network of `fastnet.networks` that has the same parameters, and computes again only what
  depends on the changed one;
- the loss with weight decay;
- all of the two-layer network of chapter 4, which has no layers;
- `load_params`, by the unpickler that admits only arrays.

A network may hold layers of the reader's, and its class may be the base of another one. Each method looks for that, and
then leaves the work to the reader's own method.
"""

import math
from collections import OrderedDict
from types import FunctionType
from typing import Any, ClassVar

import numpy as np

import fastnet
from fastnet import _backend
from fastnet._checks import FLOAT64, is_real
from fastnet.networks.network import CHUNK
from fastnet.networks.pickles import read_pickle
from fastnet.textbook._serving import Served
from fastnet.textbook.functions import are_targets
from fastnet.textbook.layers import (
    Affine,
    BatchNormalization,
    Convolution,
    Dropout,
    Pooling,
    Relu,
    Sigmoid,
    SoftmaxWithLoss,
    are_floats,
    is_plain,
    without_dx,
)

PLAIN = (Affine, BatchNormalization, Convolution, Dropout, Pooling, Relu, Sigmoid)


class _Network(Served):
    """What the networks share."""

    def _has_own(self, *names: str) -> bool:
        """Whether a subclass, or the object itself, has its own method of one of these names."""
        for name in names:
            method = getattr(type(self), name)
            if name in vars(self) or not (method is getattr(self.book, name) or method.__module__ == __name__):
                return True
        return False


class _Layered(_Network):
    """A network with layers in a dict or a list."""

    _last: ClassVar[str] = "last_layer"

    def _in_order(self) -> list[Any]:
        layers = self.layers  # type: ignore[attr-defined]
        return list(layers.values()) if isinstance(layers, dict) else list(layers)

    def _are_plain(self) -> bool:
        return all(is_plain(layer, *PLAIN) for layer in self._in_order())

    def gradient(self, x: Any, t: Any) -> Any:
        with without_dx(self._in_order()):
            return self.book.gradient(self, x, t)

    def accuracy(self, x: Any, t: Any) -> Any:
        if self._is_usual(x, t) and len(x) > CHUNK and not self._has_own("predict") and self._are_plain():
            chunks = [x[first : first + CHUNK] for first in range(0, len(x), CHUNK)]
            y = np.concatenate([np.argmax(self.predict(chunk), axis=1) for chunk in chunks])  # type: ignore[attr-defined]
            return np.sum(y == (t if t.ndim == 1 else np.argmax(t, axis=1))) / float(len(x))
        return self.book.accuracy(self, x, t)

    @staticmethod
    def _is_usual(x: Any, t: Any) -> bool:
        return type(x) is type(t) is np.ndarray and x.ndim > 1 and t.ndim in (1, 2) and len(x) == len(t) > 0


class _Differenced(_Layered):
    """A network with a numerical gradient. DeepConvNet has none."""

    def numerical_gradient(self, x: Any, t: Any) -> Any:
        if self._is_unchanged() and are_floats(x) and not self._has_own("predict", "loss"):
            twin = self._twin(x)
            if twin is not None and are_targets(t, (len(x), len(next(reversed(twin.params.values()))))):
                self.loss(x, t)  # type: ignore[attr-defined]  # the layers keep what they need
                twin.params = self.params  # type: ignore[attr-defined]
                return twin.numerical_gradient(x, t)
        return self.book.numerical_gradient(self, x, t)

    def _twin(self, x: Any) -> Any:
        """Return a network of fastnet with the same loss, whose parameters are not set; None if there is none."""
        layers = self._in_order()
        activations = {Sigmoid if isinstance(layer, Sigmoid) else Relu for layer in layers[1::2]}
        if len(activations) > 1 or x.ndim != 2:
            return None
        kinds = [Affine, *activations] * (len(layers) // 2) + [Affine]
        parameters = self._parameters(layers, kinds)
        decay = getattr(self, "weight_decay_lambda", 0)
        if parameters is None or not (is_real(decay) and 0 <= decay < math.inf):
            return None
        sizes = [parameters[0].shape[0], *(b.size for b in parameters[1::2])]
        activation = "sigmoid" if Sigmoid in activations else "relu"
        twin = fastnet.MultiLayerNet(
            sizes[0], sizes[1:-1], sizes[-1], activation, weight_init_std=0, weight_decay_lambda=decay, seed=0
        )
        return twin if self._has_shapes_of(twin) else None

    def _parameters(self, layers: list[Any], kinds: list[Any]) -> list[Any] | None:
        """Return the arrays in `params`, if the layers are of these kinds and hold exactly these arrays."""
        last = getattr(self, self._last)
        if len(layers) != len(kinds) or not all(map(is_plain, [*layers, last], [*kinds, SoftmaxWithLoss])):
            return None
        held = [array for layer in layers if isinstance(layer, Affine | Convolution) for array in (layer.W, layer.b)]
        params = self.params  # type: ignore[attr-defined]
        names = [f"{which}{i}" for i in range(1, len(held) // 2 + 1) for which in "Wb"]
        is_right = type(params) is dict and params.keys() == set(names) and are_floats(*held)
        if not is_right or any(params[name] is not array for name, array in zip(names, held, strict=True)):
            return None
        return held if all(array.dtype == FLOAT64 for array in held) else None

    def _has_shapes_of(self, twin: Any) -> bool:
        params = self.params  # type: ignore[attr-defined]
        return all(params[name].shape == array.shape for name, array in twin.params.items())


class _Decayed(_Differenced):
    """A network with weight decay, which the book computes from every weight, also where it is 0."""

    _training: ClassVar[dict[str, Any]] = {}

    def gradient(self, x: Any, t: Any) -> Any:
        if not (self._is_unchanged() and self._has_usual_weights() and self._holds_its_weights()):
            return super().gradient(x, t)
        layers = self._in_order()
        with without_dx(layers):
            self.loss(x, t, **self._training)  # type: ignore[attr-defined]
            dout = self.last_layer.backward(1)  # type: ignore[attr-defined]
            for layer in reversed(layers):
                dout = layer.backward(dout)
        return self._decayed_gradients()

    def _holds_its_weights(self) -> bool:
        layers, params = self.layers, self.params  # type: ignore[attr-defined]
        numbers = range(1, self.hidden_layer_num + 2)  # type: ignore[attr-defined]
        return type(layers) is OrderedDict and all(
            getattr(layers.get(f"Affine{i}"), "W", None) is params[f"W{i}"] for i in numbers
        )

    def _decayed_gradients(self) -> dict[str, Any]:
        """Return the gradients that the layers have computed, in the book's order."""
        rate, found = self.weight_decay_lambda, {}  # type: ignore[attr-defined]
        last = self.hidden_layer_num + 1  # type: ignore[attr-defined]
        for i in range(1, last + 1):
            affine = self.layers[f"Affine{i}"]  # type: ignore[attr-defined]
            found[f"W{i}"] = affine.dW + rate * affine.W if rate else affine.dW
            found[f"b{i}"] = affine.db
            if getattr(self, "use_batchnorm", False) and i != last:
                norm = self.layers[f"BatchNorm{i}"]  # type: ignore[attr-defined]
                found[f"gamma{i}"], found[f"beta{i}"] = norm.dgamma, norm.dbeta
        return found

    def _with_decay(self, loss: Any) -> Any:
        squares = 0.0
        if self.weight_decay_lambda:  # type: ignore[attr-defined]
            for i in range(1, self.hidden_layer_num + 2):  # type: ignore[attr-defined]
                W = self.params[f"W{i}"]  # type: ignore[attr-defined]
                squares += np.vdot(W, W)
        return loss + 0.5 * self.weight_decay_lambda * squares  # type: ignore[attr-defined]

    def _has_usual_weights(self) -> bool:
        params, numbers = self.params, range(1, self.hidden_layer_num + 2)  # type: ignore[attr-defined]
        return are_floats(*[params.get(f"W{i}") for i in numbers]) and is_real(self.weight_decay_lambda)  # type: ignore[attr-defined]


class AbsentMultiLayerNetExtend(fastnet.MultiLayerNetExtend):
    """fastnet's network whose layers keep the arrays that the constructor gave them, as the book's do."""

    def _connect(self) -> None:
        pass


class AbsentMultiLayerNet(AbsentMultiLayerNetExtend):
    """The same with the arguments of the book's `MultiLayerNet`, which has layers too."""

    def __init__(
        self, input_size: Any, hidden_size_list: Any, output_size: Any, activation: Any = "relu",
        weight_init_std: Any = "relu", weight_decay_lambda: Any = 0,
    ) -> None:  # fmt: skip
        super().__init__(
            input_size, hidden_size_list, output_size, activation, weight_init_std, weight_decay_lambda
        )


class MultiLayerNet(_Decayed):
    """The reader's MultiLayerNet."""

    _absent = AbsentMultiLayerNet
    _public = "fastnet.networks.MultiLayerNet"

    def loss(self, x: Any, t: Any) -> Any:
        if self._is_unchanged() and self._has_usual_weights():
            return self._with_decay(self.last_layer.forward(self.predict(x), t))  # type: ignore[attr-defined]
        return self.book.loss(self, x, t)


class MultiLayerNetExtend(_Decayed):
    """The reader's MultiLayerNetExtend."""

    _absent = AbsentMultiLayerNetExtend
    _public = "fastnet.networks.MultiLayerNetExtend"
    _training: ClassVar[dict[str, Any]] = {"train_flg": True}

    def loss(self, x: Any, t: Any, train_flg: Any = False) -> Any:
        if self._is_unchanged() and self._has_usual_weights():
            return self._with_decay(self.last_layer.forward(self.predict(x, train_flg), t))  # type: ignore[attr-defined]
        return self.book.loss(self, x, t, train_flg)


class LayeredTwoLayerNet(_Differenced):
    """The reader's TwoLayerNet of chapter 5."""

    _public = "fastnet.networks.LayeredTwoLayerNet"
    _last = "lastLayer"


class TwoLayerNet(_Network):
    """The reader's TwoLayerNet of chapter 4, with fastnet's kernels for the whole network."""

    _public = "fastnet.networks.TwoLayerNet"

    def predict(self, x: Any) -> Any:
        arrays = self._arrays()
        y = None if arrays is None else _backend.kernels.network_predict(x, arrays, "sigmoid", "softmax")
        return self.book.predict(self, x) if y is None else y

    def gradient(self, x: Any, t: Any) -> Any:
        arrays = self._arrays()
        if arrays is not None and _sums_to_one(t):
            gradients = _backend.kernels.network_gradient(x, t, arrays, "sigmoid", "softmax", None)
            if gradients is not None:
                W1, b1, W2, b2 = gradients
                return {"W2": W2, "b2": b2, "W1": W1, "b1": b1}  # in the book's order
        return self.book.gradient(self, x, t)

    def numerical_gradient(self, x: Any, t: Any) -> Any:
        arrays = self._arrays()
        fits = arrays is not None and are_floats(x) and x.ndim == 2 and not self._has_own("predict", "loss")
        if not fits or x.shape[1] != len(arrays[0]) or not are_targets(t, (len(x), len(arrays[3]))):
            return self.book.numerical_gradient(self, x, t)
        D, H = arrays[0].shape
        twin = fastnet.TwoLayerNet(D, H, len(arrays[3]), weight_init_std=0, seed=0)
        twin.params = self.params  # type: ignore[attr-defined]
        return twin.numerical_gradient(x, t)

    def _arrays(self) -> Any:
        """Return the parameters, or None if they are not as usual."""
        params = self.params  # type: ignore[attr-defined]
        if not self._is_unchanged() or type(params) is not dict or params.keys() != {"W1", "b1", "W2", "b2"}:
            return None
        D, H, C = np.shape(params["W1"])[:1], np.shape(params["b1"]), np.shape(params["b2"])
        return _backend.kernels.plain_parameters(params, {"W1": D + H, "b1": H, "W2": H + C, "b2": C}, FLOAT64)


def _sums_to_one(t: Any) -> bool:
    """Whether `t` has labels, or rows with the sum 1: fastnet's formula for other rows is not the book's."""
    if type(t) is not np.ndarray or t.ndim != 2:
        return type(t) is np.ndarray
    sums = t.sum(axis=1)
    return bool((abs(sums - 1) < 1e-9).all())


class _Pickling:
    """In place of `pickle` in `load_params`."""

    @staticmethod
    def load(file: Any) -> Any:
        return read_pickle(file.name)


class _Convolutional(_Layered):
    """A network for images."""

    _mode: ClassVar[dict[str, Any]] = {}

    def accuracy(self, x: Any, t: Any, batch_size: Any = 100) -> Any:
        """Return the share of all samples. The book leaves out those after the last whole batch."""
        if not self._is_usual(x, t) or type(batch_size) is not int or batch_size < 1:
            return self.book.accuracy(self, x, t, batch_size)
        if t.ndim != 1:
            t = np.argmax(t, axis=1)
        right = 0.0
        for first in range(0, len(x), batch_size):
            batch = slice(first, first + batch_size)
            y = self.predict(x[batch], **self._mode)  # type: ignore[attr-defined]
            right += np.sum(np.argmax(y, axis=1) == t[batch])
        return right / len(x)

    def load_params(self, *args: Any, **kwargs: Any) -> None:
        """Run the reader's own method, with a reader of pickles that can do no harm."""
        own = self.book.load_params
        if self._is_unchanged():
            names = {**own.__globals__, "pickle": _Pickling}
            own = FunctionType(own.__code__, names, own.__name__, own.__defaults__)
        own(self, *args, **kwargs)


class SimpleConvNet(_Differenced, _Convolutional):
    """The reader's SimpleConvNet."""

    _public = "fastnet.networks.SimpleConvNet"

    def _twin(self, x: Any) -> Any:
        layers = self._in_order()
        parameters = self._parameters(layers, [Convolution, Relu, Pooling, Affine, Relu, Affine])
        if parameters is None or x.ndim != 4:
            return None
        conv, pool = layers[0], layers[2]
        FN, _, FH, FW = conv.W.shape
        if FH != FW or (pool.pool_h, pool.pool_w, pool.stride, pool.pad) != (2, 2, 2, 0):
            return None
        conv_param = {"filter_num": FN, "filter_size": FH, "pad": conv.pad, "stride": conv.stride}
        hidden, classes = parameters[3].size, parameters[5].size
        try:
            twin = fastnet.SimpleConvNet(x.shape[1:], conv_param, hidden, classes, weight_init_std=0, seed=0)
        except (TypeError, ValueError):  # sizes with which the book's network works, or fails in its own way
            return None
        return twin if self._has_shapes_of(twin) else None


class DeepConvNet(_Convolutional):
    """The reader's DeepConvNet."""

    _public = "fastnet.networks.DeepConvNet"
    _mode: ClassVar[dict[str, Any]] = {"train_flg": False}
