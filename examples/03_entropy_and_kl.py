"""
Entropy, cross-entropy and the Kullback-Leibler divergence
==========================================================

Entropy says how many bits it takes to report what happened, if one knows the probabilities. Cross-entropy says how
many it takes if one believes in other ones. The difference is the Kullback-Leibler divergence: the price of being
wrong.

Look at the right side of the picture. The cross-entropy is lowest where the belief is the truth, and even there it is
not 0: what remains is the entropy, which no belief can remove.
"""

# %%
# The more is known beforehand, the less there is to report.

import matplotlib.pyplot as plt
import numpy as np

from fastnet.functions import cross_entropy_error
from fastnet.information import cross_entropy, entropy, kl_divergence

print(f"a fair coin:           {entropy([0.5, 0.5]):.4f} bits")
print(f"a loaded coin:         {entropy([0.9, 0.1]):.4f} bits")
print(f"a coin with two heads: {entropy([1.0, 0.0]):.4f} bits")
print(f"a fair die:            {entropy(np.full(6, 1 / 6)):.4f} bits")

# %%
# The weather: it rains on three days of ten. Who believes in one day of two needs more bits. And who rules out what
# happens would need infinitely many.

truth = np.array([0.3, 0.7])
print("belief      cross-entropy = entropy + divergence")
for belief in [0.3, 0.7], [0.5, 0.5], [0.9, 0.1], [0.0, 1.0]:
    parts = cross_entropy(truth, belief), entropy(truth), kl_divergence(truth, belief)
    print(f"{belief}{parts[0]:14.4f}{parts[1]:11.4f}{parts[2]:11.4f}")

# %%
# The divergence is no distance: there and back are not the same.

print(f"from (0.3, 0.7) to (0.9, 0.1): {kl_divergence([0.3, 0.7], [0.9, 0.1]):.4f}")
print(f"from (0.9, 0.1) to (0.3, 0.7): {kl_divergence([0.9, 0.1], [0.3, 0.7]):.4f}")

# %%
# The loss of a network is such a cross-entropy, counted with the natural logarithm. Its truth is a label, which is
# certain. So its entropy is 0, and the loss is all divergence: it can be brought down to 0.

t, y = np.array([0, 1, 0]), np.array([0.2, 0.7, 0.1])
print(f"cross_entropy {cross_entropy(t, y, base=np.e):.6f}, cross_entropy_error {cross_entropy_error(y, t):.6f}")

p = np.linspace(0.001, 0.999, 999)
coins = np.stack([p, 1 - p], axis=1)

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
left.plot(p, entropy(coins))
left.set(title="Entropy of a coin", xlabel="probability of heads", ylabel="bits")
left.grid(alpha=0.3)

right.plot(p, cross_entropy(truth, coins), label="cross-entropy")
right.axhline(entropy(truth), color="black", linestyle="--", label="entropy of the truth")
right.fill_between(p, entropy(truth), cross_entropy(truth, coins), alpha=0.2, label="divergence")
right.axvline(truth[0], color="gray", linewidth=1)
right.set(title="The price of a wrong belief", xlabel="believed probability (the true one is 0.3)", ylim=(0, 4))
right.legend(loc="upper center")
figure.savefig("03_entropy_and_kl.png")
print("The picture is in 03_entropy_and_kl.png")
