"""Which versions of the book's definitions fastnet serves, and with what.

`fingerprints.txt` numbers the versions of a name in the order of publication. A version is here if fastnet keeps its
meaning. The others stay the reader's.
"""

from importlib import resources
from typing import Any

from fastnet.textbook import functions, gradient, layers, mnist, networks, optimizer, trainer, util

SERVED: dict[str, Any] = {
    # common/functions.py
    "identity_function-1": functions.identity_function,
    "step_function-1": functions.step_function,  # with np.int, which NumPy no longer has
    "step_function-2": functions.step_function,
    "step_function-3": functions.step_function,
    "sigmoid-1": functions.sigmoid,
    "sigmoid_grad-1": functions.sigmoid_grad,
    "relu-1": functions.relu,
    "relu_grad-1": functions.relu_grad,  # with np.zeros(x), which raises an error
    "relu_grad-2": functions.relu_grad,
    "softmax-1": functions.softmax_2016,
    "softmax-2": functions.softmax,
    "mean_squared_error-1": functions.squared_error,
    "sum_squared_error-1": functions.squared_error,
    "cross_entropy_error-1": functions.cross_entropy_error_2016,
    "cross_entropy_error-2": functions.cross_entropy_error,
    "softmax_loss-1": functions.softmax_loss,
    # common/gradient.py and chapter 4
    "numerical_gradient-2": gradient.numerical_gradient_2d,
    "numerical_gradient-3": gradient.numerical_gradient,
    "numerical_gradient-4": gradient.numerical_gradient,
    "numerical_gradient_2d-1": gradient.numerical_gradient_2d,
    "_numerical_gradient_1d-1": gradient.numerical_gradient_1d,
    "_numerical_gradient_no_batch-1": gradient.numerical_gradient_1d,
    # common/optimizer.py. Nesterov-1 moves by the new velocity: it stays the reader's.
    "SGD-1": optimizer.SGD,
    "Momentum-1": optimizer.Momentum,
    "Nesterov-2": optimizer.Nesterov,
    "AdaGrad-1": optimizer.AdaGrad,
    "RMSprop-1": optimizer.RMSprop,
    "Adam-1": optimizer.Adam,
    # common/layers.py and chapter 5's layer_naive.py
    "MulLayer-1": layers.MulLayer,
    "AddLayer-1": layers.AddLayer,
    "Relu-1": layers.Relu,
    "Sigmoid-1": layers.Sigmoid,
    "Affine-1": layers.Affine,
    "SoftmaxWithLoss-1": layers.SoftmaxWithLoss,
    "Dropout-1": layers.Dropout,
    "BatchNormalization-1": layers.BatchNormalizationOf2016,
    "BatchNormalization-2": layers.BatchNormalization,
    "Convolution-1": layers.Convolution,
    "Convolution-2": layers.Convolution,
    "Pooling-1": layers.Pooling,  # with stride 1 by default
    "Pooling-2": layers.Pooling,
    # common/util.py
    "im2col-1": util.im2col,
    "col2im-1": util.col2im,
    "conv_output_size-1": util.conv_output_size,
    "shuffle_dataset-1": util.shuffle_dataset,
    "smooth_curve-1": util.smooth_curve,
    # the networks. MultiLayerNet-1 has no weight decay in the gradient, -2 a wrong accuracy with one-hot targets.
    # SimpleConvNet-1 and -3 write to attributes that the layers do not have.
    "TwoLayerNet-1": networks.TwoLayerNet,
    "TwoLayerNet-2": networks.LayeredTwoLayerNet,
    "TwoLayerNet-3": networks.TwoLayerNet,
    "MultiLayerNet-3": networks.MultiLayerNet,
    "MultiLayerNetExtend-1": networks.MultiLayerNetExtend,
    "MultiLayerNetExtend-2": networks.MultiLayerNetExtend,
    "SimpleConvNet-2": networks.SimpleConvNet,
    "SimpleConvNet-4": networks.SimpleConvNet,
    "DeepConvNet-1": networks.DeepConvNet,
    "DeepConvNet-2": networks.DeepConvNet,
    "DeepConvNet-3": networks.DeepConvNet,
    # common/trainer.py
    "Trainer-1": trainer.Trainer,
    "Trainer-2": trainer.Trainer,
    "Trainer-3": trainer.Trainer,
    # dataset/mnist.py
    "load_mnist-1": mnist.load_mnist,
    "load_mnist-2": mnist.load_mnist,
}

# Versions with another meaning than the newest: what refers to them stays the reader's.
# Nesterov-1 is not here: only the Trainer's constructor refers to it, and that is the reader's own.
OLD = {"cross_entropy_error-1", "numerical_gradient-1", "numerical_gradient-2"}


# Versions that always raise an error. They work in the book's `functions.py`. In other files of the reader the error
# stays.
FAILING = {"step_function-1", "relu_grad-1"}


def _read() -> dict[tuple[str, str], str]:
    lines = resources.files("fastnet.textbook").joinpath("fingerprints.txt").read_text("utf-8").splitlines()
    words = [line.split(maxsplit=2)[:2] for line in lines if not line.startswith("#")]
    return {(version.rpartition("-")[0], value): version for version, value in words}


PUBLISHED = _read()  # (name, fingerprint) -> version
NAMES = {name for name, _ in PUBLISHED}
NEWEST = {version.rpartition("-")[0]: version for version in sorted(SERVED)}  # of each name, what fastnet serves
