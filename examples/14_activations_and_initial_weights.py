"""
Activations and initial weights
===============================

Training starts from random weights. If they are too large or too small, the network does not learn. Here, data pass
through five layers of 100 units before any training. The middle of the picture shows unsuitable weights, the right side
shows weights that are made for the activation. The left side shows the activation and its gradient.

Look at the histograms of tanh from layer to layer. With Xavier weights, they stay wide. If the weights are too small,
all units give nearly 0 for every sample after five layers. For the sigmoid, weights with a standard deviation of 1.0
are too large. Its outputs are close to 0 or 1, where its slope is nearly 0.

A wide histogram is not enough. It can be wide because the *units* differ, while each unit gives nearly the same output
for all samples. So the table also gives the spread over the samples alone. For the sigmoid with Xavier weights, it
becomes very small, because the slope of the sigmoid is at most 1/4. After five layers, the outputs hardly depend on
the sample. This is one reason why deep networks use other activations.
"""

# %%
# Xavier weights have the standard deviation sqrt(1 / n), where n is the number of inputs of a unit. They are made for
# sigmoid and tanh. He weights have sqrt(2 / n), because relu sets half of its inputs to 0.

import matplotlib.pyplot as plt
import numpy as np

from fastnet import MultiLayerNet
from fastnet.plotting import plot_activation_histograms, plot_activations

x = np.random.default_rng(0).normal(size=(1000, 100))
weights: dict[str, list[float | str]] = {"sigmoid": [1.0, "Xavier"], "tanh": [0.01, "Xavier"], "relu": [0.01, "He"]}

# %%
# ``trace`` returns the output of every layer by the book's names: z1, z2 and so on.

figure, axes = plt.subplots(3, 3, figsize=(17, 12), width_ratios=[1, 2, 2], layout="constrained")
print("standard deviation of the outputs, layer by layer: of all values, and over the samples (mean of the units)")
for row, activation in zip(axes, weights, strict=True):
    plot_activations(activation, title=activation, ax=row[0])
    for ax, weight_init_std in zip(row[1:], weights[activation], strict=True):
        network = MultiLayerNet(100, [100] * 5, 10, activation, weight_init_std, seed=0)
        trace = network.trace(x)
        layers = [trace[f"z{layer}"] for layer in range(1, 6)]
        print(f"{activation:<8}{weight_init_std:<7}all    " + "".join(f"{z.std():9.2g}" for z in layers))
        print(f"{'':15}samples" + "".join(f"{z.std(axis=0).mean():9.2g}" for z in layers))
        title = f"{activation}, standard deviation of the weights: {weight_init_std}"
        plot_activation_histograms(trace, title=title, ax=ax)
figure.savefig("14_activations_and_initial_weights.png")
print("The picture is in 14_activations_and_initial_weights.png")
