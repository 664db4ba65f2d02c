"""
A network among the tools of scikit-learn
=========================================

scikit-learn scales data, compares models, and searches for good arguments. It does this with any estimator: an object
with ``fit`` and ``predict``. `fastnet.interop.NetClassifier` is a network of fastnet as an estimator. Its arguments
have the same names and meanings as those of scikit-learn's own network, ``MLPClassifier``.

Look at the curves on the left. With the same seed, both networks begin with the same weights and draw the same
mini-batches, so their losses lie on top of each other. They differ in the time that they take. On the right, look at
which pair of arguments is the best: scikit-learn has tried them all. ``alpha`` is the strength of the weight decay, and
``learning_rate_init`` is the learning rate.

This example needs scikit-learn: ``pip install '.[sklearn]'``.
"""

# %%
# Both networks learn the same digits. They set some aside, and stop when the accuracy on these no longer gets better.

from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler

from fastnet import load_mnist
from fastnet.interop import NetClassifier

(x_train, t_train), (x_test, t_test) = load_mnist()
x, t = x_train[:4000], t_train[:4000]

curves = {}
for name, estimator in (("scikit-learn's", MLPClassifier), ("fastnet's", NetClassifier)):
    network = estimator((50,), early_stopping=True, random_state=0)
    start = perf_counter()
    network.fit(x, t)
    seconds = perf_counter() - start
    curves[name] = network.loss_curve_
    print(f"{name} network: {network.n_iter_} epochs, {seconds:.2f} s, accuracy {network.score(x_test, t_test):.3f}")

one, other = (np.array(curve[:5]) for curve in curves.values())
print(f"the losses of the first 5 epochs differ by {np.abs(one - other).max():.0e}")

# %%
# A pipeline first divides each pixel by the largest value that this pixel has in any image, then trains. The search
# trains three times with each pair of arguments. Each time, it measures the accuracy on another third of the images,
# and trains on the rest. This is called *cross-validation*.

pipeline = make_pipeline(MaxAbsScaler(), NetClassifier((30,), early_stopping=True, n_iter_no_change=3, random_state=0))
rates, decays = [0.001, 0.01], [0.0001, 1.0, 30.0]
search = GridSearchCV(
    pipeline, {"netclassifier__alpha": decays, "netclassifier__learning_rate_init": rates}, cv=3
)
search.fit(x[:1500], t[:1500])
best = {name.removeprefix("netclassifier__"): value for name, value in search.best_params_.items()}
print(f"the best of the search: {best}, accuracy {search.best_score_:.3f}")

# %%
# The losses, and the accuracy for each pair.

figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.5), layout="constrained")
for (name, curve), style in zip(curves.items(), ("C0-", "C1--"), strict=True):
    left.plot(range(1, len(curve) + 1), curve, style, label=f"{name} network")
left.set(title="Training", xlabel="epoch", ylabel="loss", yscale="log")
left.grid(alpha=0.3)
left.legend()
accuracies = np.reshape(search.cv_results_["mean_test_score"], (len(decays), len(rates)))
shown = right.imshow(accuracies, cmap="viridis")
right.set(title="Search: the accuracy of each pair", xlabel="learning_rate_init", ylabel="alpha")
right.set_xticks(range(2), rates)
right.set_yticks(range(3), decays)
for (row, column), accuracy in np.ndenumerate(accuracies):
    right.text(column, row, f"{accuracy:.3f}", ha="center", va="center", bbox={"facecolor": "white", "alpha": 0.8})
figure.colorbar(shown, ax=right, label="accuracy in the cross-validation")
figure.savefig("26_scikit_learn.png")
print("The picture is in 26_scikit_learn.png")
