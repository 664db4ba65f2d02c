"""What networks of fully connected layers share: the kernels that predict and propagate back, and the shapes."""

from abc import abstractmethod
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fastnet import _backend
from fastnet._checks import FLOAT64, FloatArray, IntArray, cast, is_labels, refuse_empty, refuse_outside, samples
from fastnet._twins.shared.formulas_numpy import one_hot
from fastnet.networks.architecture import Layer, dense_layers
from fastnet.networks.network import Network, fitting
from fastnet.networks.weights import counted

if TYPE_CHECKING:
    from fastnet.networks.forward_mode import ForwardMode


class DenseNetwork(Network):
    """A network whose parameters are W1, b1, W2, b2, ...: each layer computes `z W + b`."""

    _output_size: int

    @abstractmethod
    def _formulas(self) -> tuple[str, str, float]:
        """Return the activation, the output and the strength of the weight decay."""

    def _forward_mode(self, x: npt.ArrayLike, t: npt.ArrayLike) -> "ForwardMode | None":
        """Return the derivatives of the loss for `gradient_check`, or None for a loss of another kind."""
        from fastnet.networks.forward_mode import LOSSES, ForwardMode  # only a gradient check needs it

        activation, output, decay = self._formulas()
        if output not in LOSSES or not self._is_as_its_class_defines(fitting(self.params, self._shapes)):
            return None
        x = cast(samples(x, "x", self._shapes["W1"][0], self.dtype), FLOAT64)
        t = as_batch(self._targets(t, np.empty((*x.shape[:-1], self._output_size), self.dtype)))
        t = cast(one_hot(t, self._output_size), FLOAT64)
        parameters = [cast(parameter, FLOAT64) for parameter in self._arrays()]
        return ForwardMode(np.atleast_2d(x), t, parameters, activation, output, decay, self.dtype)

    def _sample_shape(self) -> tuple[int, ...]:
        return self._shapes["W1"][:1]

    def _architecture(self) -> list[Layer]:
        activation, output, _ = self._formulas()
        return dense_layers(self._arrays(), activation, output)

    def _predicted(self, x: npt.ArrayLike, arrays: tuple[FloatArray, ...], activation: str, output: str) -> FloatArray:
        """Return the predictions, checking `x` only if the kernel cannot take it as it is."""
        y: FloatArray | None = _backend.kernels.network_predict(x, arrays, activation, output)
        if y is None:  # x needs conversion, or is invalid
            x = self._samples(x)
            y = _backend.kernels.network_predict(np.atleast_2d(x), arrays, activation, output)
            y = y.reshape(*x.shape[:-1], self._output_size)
        return y

    def _backpropagated(
        self,
        x: npt.ArrayLike,
        t: npt.ArrayLike,
        sample_weight: npt.ArrayLike | None,
        arrays: tuple[FloatArray, ...],
        activation: str,
        output: str,
    ) -> dict[str, FloatArray]:
        """Return the gradient of the loss, without weight decay."""
        kernel = _backend.kernels.network_gradient
        gradients = kernel(x, t, arrays, activation, output, sample_weight)
        if gradients is None:  # an argument needs conversion, or is invalid
            x = self._samples(x)
            refuse_empty(x, "x")
            y = np.empty((*x.shape[:-1], self._output_size), self.dtype)
            # The kernel does not see the targets of samples with weight 0.
            checked = self._targets(t, y) if sample_weight is None else self._targets_in_range(t, y)
            used, weights = counted(sample_weight, x.shape[:-1])
            gradients = kernel(np.atleast_2d(x)[used], as_batch(checked)[used], arrays, activation, output, weights)
            if gradients is None:
                refuse_outside(t, self.dtype)
        return dict(zip(self._shapes, gradients, strict=True))

    def _samples(self, x: npt.ArrayLike) -> FloatArray:
        """Return `x` as the kernels take it."""
        return samples(x, "x", self._shapes["W1"][0], self.dtype, keep_float32=True)


def parameter_shapes(*sizes: int) -> dict[str, tuple[int, ...]]:
    """Return the shapes of W1, b1, W2, b2, ...; each layer leads from one of `sizes` to the next."""
    shapes: dict[str, tuple[int, ...]] = {}
    for number, (inputs, units) in enumerate(pairwise(sizes), start=1):
        shapes |= {f"W{number}": (inputs, units), f"b{number}": (units,)}
    return shapes


def layer_sizes(arrays: dict[str, Any], layers: int) -> list[int]:
    """Return D and the units of each layer, from the weights in a file; `common_dtype` checks the rest."""
    for number in range(1, layers + 1):
        if arrays[f"W{number}"].ndim != 2:
            raise ValueError(f"W{number} must be a matrix, got shape {arrays[f'W{number}'].shape}")
    return [len(arrays["W1"]), *(arrays[f"W{number}"].shape[1] for number in range(1, layers + 1))]


def as_batch(t: FloatArray | IntArray, dtype: np.dtype[Any] | None = None) -> FloatArray | IntArray:
    """Return targets as a batch, labels `(N,)` or rows `(N, C)` in `dtype`; one sample is a batch of one."""
    if is_labels(t):
        return t.reshape(-1)
    return cast(t.reshape(-1, t.shape[-1]), dtype or t.dtype)
