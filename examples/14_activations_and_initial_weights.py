"""
Activations and initial weights
===============================

Random weights are the start of a network's training, and how large they are decides whether there is one. Here, data
goes through five layers of 100 units before any training: in the middle of the picture with unsuitable weights, on
the right with those that are made for the activation, which is drawn on the left with its gradient.

Look at the histograms from layer to layer. Good weights keep them wide. Weights too large drive a sigmoid to 0 and 1,
where it is flat and its gradient vanishes. Weights too small let the signal fade: after five layers all units say the
same, whatever the network was shown.
"""

# %%
# Xavier weights have the standard deviation sqrt(1 / n), where n units come before the layer: made for sigmoid and
# tanh. He weights have sqrt(2 / n), because relu lets only half of its inputs pass.

import matplotlib.pyplot as plt
import numpy as np

from fastnet import MultiLayerNet
from fastnet.plotting import plot_activation_histograms, plot_activations

x = np.random.default_rng(0).normal(size=(1000, 100))
weights = {"sigmoid": [1.0, "Xavier"], "tanh": [0.01, "Xavier"], "relu": [0.01, "He"]}

# %%
# ``trace`` returns what comes out of every layer, by the book's names: z1, z2 and so on.

figure, axes = plt.subplots(3, 3, figsize=(17, 12), width_ratios=[1, 2, 2], layout="constrained")
print("standard deviation of the activations, layer by layer")
for row, activation in zip(axes, weights, strict=True):
    plot_activations(activation, title=activation, ax=row[0])
    for ax, weight_init_std in zip(row[1:], weights[activation], strict=True):
        network = MultiLayerNet(100, [100] * 5, 10, activation, weight_init_std, seed=0)
        trace = network.trace(x)
        deviations = [trace[f"z{layer}"].std() for layer in range(1, 6)]
        print(f"{activation:<8}{weight_init_std:<7}" + "".join(f"{deviation:9.2g}" for deviation in deviations))
        plot_activation_histograms(trace, title=f"{activation}, weights {weight_init_std}", ax=ax)
figure.savefig("14_activations_and_initial_weights.png")
print("The picture is in 14_activations_and_initial_weights.png")
