"""
Activations and initial weights
===============================

Random weights are the start of a network's training, and how large they are decides whether there is one. Here, data
goes through five layers of 100 units before any training, with three activations and three sizes of weights.

Look at the histograms from layer to layer. Good weights leave them as wide as they were. Weights too large drive a
sigmoid to 0 and 1, where its gradient vanishes; weights too small make all units the same, and relu fade away.
"""

# %%
# Xavier weights have the standard deviation sqrt(1 / n), where n units come before the layer: made for sigmoid and
# tanh. He weights have sqrt(2 / n), because relu lets only half of its inputs pass.

import matplotlib.pyplot as plt
import numpy as np

from fastnet import MultiLayerNet
from fastnet.plotting import plot_activation_histograms

x = np.random.default_rng(0).normal(size=(1000, 100))
activations = ["sigmoid", "tanh", "relu"]
weights = {"0.01": 0.01, "Xavier": "xavier", "He": "he", "1": 1.0}

# %%
# The spread of the activations in each of the five layers.

figure, axes = plt.subplots(3, 4, figsize=(16, 9), layout="constrained")
print("standard deviation by layer")
for row, activation in zip(axes, activations, strict=True):
    for ax, (name, weight_init_std) in zip(row, weights.items(), strict=True):
        network = MultiLayerNet(100, [100] * 5, 10, activation, weight_init_std, seed=0)
        trace = network.trace(x)
        deviations = [trace[f"z{layer}"].std() for layer in range(1, 6)]
        print(f"{activation:<8}{name:<7}" + "".join(f"{deviation:10.2g}" for deviation in deviations))
        plot_activation_histograms(trace, title=f"{activation}, weights {name}", ax=ax)
figure.savefig("14_activations_and_initial_weights.png")
print("The picture is in 14_activations_and_initial_weights.png")
