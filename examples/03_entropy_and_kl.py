"""
Entropy, cross-entropy and the Kullback-Leibler divergence
==========================================================

Entropy is the average number of bits that you need to report an outcome if you know the probabilities. Cross-entropy is
the number of bits that you need if you assume other probabilities. The difference is the Kullback-Leibler divergence.
It is the price of a wrong assumption.

Look at the right side of the picture. The cross-entropy is lowest if the assumed probability is the true one. Even
there it is not 0: the entropy remains.
"""

# %%
# The more you know in advance, the less there is to report.

import matplotlib.pyplot as plt
import numpy as np

from fastnet.functions import cross_entropy_error
from fastnet.information import cross_entropy, entropy, kl_divergence

print(f"a fair coin:           {entropy([0.5, 0.5]):.4f} bits")
print(f"a loaded coin:         {entropy([0.9, 0.1]):.4f} bits")
print(f"a coin with two heads: {entropy([1.0, 0.0]):.4f} bits")
print(f"a fair die:            {entropy(np.full(6, 1 / 6)):.4f} bits")

# %%
# The weather: it rains on three of ten days. So the probabilities of rain and no rain are 0.3 and 0.7. If you assume
# that it rains on every second day, you need more bits. If you assume that it never rains, you would need infinitely
# many.

truth = np.array([0.3, 0.7])
print("belief      cross-entropy = entropy + divergence")
for belief in [0.3, 0.7], [0.5, 0.5], [0.9, 0.1], [0.0, 1.0]:
    parts = cross_entropy(truth, belief), entropy(truth), kl_divergence(truth, belief)
    print(f"{belief}{parts[0]:14.4f}{parts[1]:11.4f}{parts[2]:11.4f}")

# %%
# The divergence is not a distance: it usually changes if you exchange the two lists of probabilities (*distributions*).

print(f"from (0.3, 0.7) to (0.9, 0.1): {kl_divergence([0.3, 0.7], [0.9, 0.1]):.4f}")
print(f"from (0.9, 0.1) to (0.3, 0.7): {kl_divergence([0.9, 0.1], [0.3, 0.7]):.4f}")

# %%
# The loss of a network is a cross-entropy with the natural logarithm. The true distribution is a label, which is
# certain, so its entropy is 0. So the loss equals the divergence, and it can fall to 0.

t, y = np.array([0, 1, 0]), np.array([0.2, 0.7, 0.1])
print(f"cross_entropy {cross_entropy(t, y, base=np.e):.6f}, cross_entropy_error {cross_entropy_error(y, t):.6f}")

p = 1 / (1 + np.exp(-np.linspace(-16, 16, 1001)))  # close together near 0 and 1, where the curves are steep
coins = np.stack([p, 1 - p], axis=1)

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
left.plot(p, entropy(coins))
left.set(title="Entropy of a coin", xlabel="probability of heads", ylabel="bits")
left.grid(alpha=0.3)

right.plot(p, cross_entropy(truth, coins), label="cross-entropy")
right.axhline(entropy(truth), color="black", linestyle="--", label="entropy: if you assume the truth")
right.fill_between(p, entropy(truth), cross_entropy(truth, coins), alpha=0.2, label="KL divergence: the price")
right.axvline(truth[0], color="gray", linewidth=1)
right.set(title="The price of a wrong assumption", xlabel="assumed probability (the true one is 0.3)", ylabel="bits")
right.text(0.31, 0.1, "the truth", color="gray")
right.set_ylim(0, 4)
right.text(0.03, 3.7, "to infinity")
right.text(0.95, 3.7, "to infinity", ha="right")
right.legend(loc="center", fontsize="small")
figure.savefig("03_entropy_and_kl.png")
print("The picture is in 03_entropy_and_kl.png")
