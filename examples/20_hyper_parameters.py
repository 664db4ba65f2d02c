"""
Search for hyper-parameters
===========================

Backpropagation finds the weights. Nobody finds the learning rate and the strength of the weight decay for you: they are
hyper-parameters. The book draws them at random, trains a little with each pair, and looks at the accuracy on validation
data. The training data cannot judge them: weight decay always makes the accuracy there worse. The test data must not
judge them either: they are for the very end.

Look at where the good pairs are on the right. The learning rate decides: the good ones lie between 0.03 and 0.3. The
weight decay hardly matters here. So the next search should draw the learning rate from a smaller range.
"""

# %%
# Draw both on a logarithmic scale: 0.001 is to 0.01 as 0.01 is to 0.1. 500 images for training are enough to compare.

import matplotlib.pyplot as plt
import numpy as np

from fastnet import MultiLayerNet, Trainer, load_mnist

x_train, t_train = load_mnist()[0]
random = np.random.default_rng(0)
chosen = random.permutation(len(x_train))[:1500]
x, t = x_train[chosen[:500]], t_train[chosen[:500]]
x_val, t_val = x_train[chosen[500:]], t_train[chosen[500:]]

results = []
for _ in range(60):
    lr, decay = 10 ** random.uniform(-5, -0.5), 10 ** random.uniform(-8, -1)
    network = MultiLayerNet(784, [100] * 3, 10, weight_decay_lambda=decay, dtype=np.float32, seed=0)
    trainer = Trainer(
        network, x, t, x_val, t_val, iterations=100, optimizer_param={"lr": lr}, seed=0, verbose=False, progress=False,
    )
    trainer.train()
    results.append((network.accuracy(x_val, t_val), lr, decay, trainer.test_acc_list))
results.sort(key=lambda result: -result[0])

print("validation accuracy, learning rate, weight decay of the best five:")
for accuracy, lr, decay, _curve in results[:5]:
    print(f"{accuracy:.3f}  {lr:.4f}  {decay:.1e}")

# %%
# The curves of the best and of the worst, and all pairs. `Trainer` calls the second pair of arrays test data. Here they
# are validation data.

accuracies, rates, decays, curves = zip(*results, strict=True)
figure, (left, right) = plt.subplots(1, 2, figsize=(13, 5), layout="constrained")
for name, some, style in (("the best five", curves[:5], "C0-"), ("the worst five", curves[-5:], "C1--")):
    for line in left.plot(np.transpose(some), style)[:1]:
        line.set_label(name)
left.set(title="Training with a pair", xlabel="epoch", ylabel="accuracy on the validation images", ylim=(0, 1))
left.xaxis.get_major_locator().set_params(integer=True)
left.grid(alpha=0.3)
left.legend(loc="upper left")
points = right.scatter(rates, decays, c=accuracies, cmap="viridis", s=60, edgecolors="black", linewidths=0.5)
right.set(title="All pairs", xlabel="learning rate", ylabel="weight decay", xscale="log", yscale="log")
figure.colorbar(points, ax=right, label="accuracy on the validation images")
figure.savefig("20_hyper_parameters.png")
print("The picture is in 20_hyper_parameters.png")
