"""
A perceptron, and why XOR needs two layers
==========================================

A perceptron outputs 1 if the weighted sum of its inputs exceeds a threshold. It can compute AND, OR and NAND. For each
of these gates, a straight line separates the inputs with output 1 from those with output 0. For XOR there is no such
line.

Look at the picture: the first three gates output 1 on one side of a line. XOR outputs 1 in a band between two lines.
These are the lines of NAND and OR, which form its first layer.
"""

# %%
# The gates of chapter 2, for all pairs of inputs.

import matplotlib.pyplot as plt
import numpy as np

from fastnet import Perceptron
from fastnet.perceptron import AND, NAND, OR, XOR

x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])

print("x1 x2  AND  OR  NAND  XOR")
for x1, x2 in x:
    print(f"{x1:2}{x2:3}{AND(x1, x2):5}{OR(x1, x2):4}{NAND(x1, x2):6}{XOR(x1, x2):5}")

# %%
# You need not choose the weights by hand: a perceptron learns them from its mistakes. For the first three gates, it
# soon goes through the four inputs without a mistake. For XOR this never happens, so the training stops after ten
# rounds.

gates = {"AND": AND, "OR": OR, "NAND": NAND, "XOR": XOR}
for name, gate in gates.items():
    perceptron = Perceptron(w=[0, 0])
    mistakes = perceptron.fit(x, gate(x[:, 0], x[:, 1]), epochs=10)
    print(f"{name:<4} mistakes in each round: {mistakes}")

# %%
# With two layers it works: NAND and OR take the inputs, and AND takes the outputs of those two.

s1, s2 = NAND(x[:, 0], x[:, 1]), OR(x[:, 0], x[:, 1])
print("NAND", s1, "and OR", s2, "make", AND(s1, s2))

# %%
# Where each gate outputs 1, also for inputs between 0 and 1.

x1, x2 = np.meshgrid(np.linspace(-0.5, 1.5, 400), np.linspace(-0.5, 1.5, 400))

figure, axes = plt.subplots(1, 4, figsize=(12, 3.4), layout="constrained")
for ax, (name, gate) in zip(axes, gates.items(), strict=True):
    ax.contourf(x1, x2, gate(x1, x2), levels=[-0.5, 0.5, 1.5], colors=["white", "lightsteelblue"])
    fires = gate(x[:, 0], x[:, 1]) == 1
    ax.plot(x[fires, 0], x[fires, 1], "ko", markersize=9)
    ax.plot(x[~fires, 0], x[~fires, 1], "ko", markersize=9, fillstyle="none")
    ax.set(title=name, xlabel="x1", ylabel="x2", xticks=[0, 1], yticks=[0, 1], aspect="equal")
axes[-1].text(-0.4, 0.35, "OR", rotation=-45)
axes[-1].text(0.62, 1.02, "NAND", rotation=-45)
figure.suptitle("Where the answer is 1: in the blue area. Black points are 1, white ones are 0")
figure.savefig("01_perceptron_and_xor.png")
print("The picture is in 01_perceptron_and_xor.png")
