"""What must hold whatever hypothesis draws: both twins are right, or raise the same error.

The names are those of the public functions that the property judges.
"""

from collections.abc import Callable
from functools import partial

import of_activations
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
