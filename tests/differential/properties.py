"""What must hold whatever hypothesis draws: both twins are right, or raise the same error.

The names in `PROPERTIES` are those of the public functions that the property judges. In `AGREEMENTS` are those that no
judge computes, and arguments that are wrong: there, both twins agree in value or in error.
"""

from collections.abc import Callable
from functools import partial

import of_activations
import of_agreement
import of_losses
import of_networks
import of_others
from cases import ELEMENTWISE
from draws import Draw

from fastnet import MultiLayerNet, TwoLayerNet

PROPERTIES: dict[str, Callable[[Draw], None]] = {
    **{f"functions.{case.name}": partial(of_activations.of_one_number, case) for case in ELEMENTWISE},
    "functions.softmax": of_activations.softmax,
    "functions.maxout functions.maxout_grad": of_activations.maxout,
    **{f"functions.{name}": partial(of_losses.loss, name) for name in of_losses.LOSSES},
    "information.entropy information.cross_entropy information.kl_divergence": of_losses.measures_of_information,
    "SimpleNet.predict SimpleNet.loss SimpleNet.numerical_gradient": of_networks.simple_net,
    "gradient.numerical_gradient gradient.gradient_descent": of_others.numerical_gradient_of_a_parabola,
    **{f"optimizer.{name}.update": partial(of_others.updates, name) for name in of_others.UPDATES},
    "Perceptron.predict": of_others.perceptron_of_any_size,
    "Perceptron.fit": of_others.learning_perceptron,
    "perceptron.AND perceptron.NAND perceptron.OR perceptron.XOR": of_others.gates,
}
for kind in (TwoLayerNet, MultiLayerNet):
    methods = " ".join(f"{kind.__name__}.{method}" for method in ("predict", "loss", "gradient", "trace", "accuracy"))
    PROPERTIES[methods] = partial(of_networks.network, kind)
    PROPERTIES[f"{kind.__name__}.numerical_gradient"] = partial(of_networks.numerical_gradient, kind)

AGREEMENTS: dict[str, Callable[[Draw], None]] = {
    "agreement.Affine": of_agreement.affine,
    "agreement.Convolution": of_agreement.convolution,
    "agreement.Pooling": of_agreement.pooling,
    "agreement.Relu": of_agreement.relu,
    "agreement.Sigmoid": of_agreement.sigmoid,
    "agreement.Dropout": of_agreement.dropout,
    "agreement.BatchNormalization": of_agreement.batch_normalization,
    "agreement.SoftmaxWithLoss": of_agreement.softmax_with_loss,
    "agreement.im2col_and_col2im": of_agreement.images_to_columns,
    "agreement.other_tools": of_agreement.tools,
    "agreement.functions": of_agreement.any_function,
    "agreement.losses": of_agreement.any_loss,
    "agreement.information": of_agreement.any_information,
    "agreement.perceptrons": of_agreement.any_perceptron,
    "agreement.optimizers": of_agreement.any_update,
    "agreement.gradient": of_agreement.any_differentiation,
    "agreement.layered_networks": of_agreement.layered_network,
}
