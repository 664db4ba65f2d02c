"""
Moving on: PyTorch, ONNX and safetensors
========================================

You may want to train a network on a graphics card, or to use it on a phone, without Python. Each of these takes one
line. `to_torch` gives a PyTorch model. `to_onnx` writes a file that onnxruntime runs. `save_safetensors` writes a file
of weights that other programs read. `from_torch` turns a PyTorch model into a network of fastnet again. This example
needs ``pip install '.[torch,onnx,safetensors]'``.

Look at the curve on the left: fastnet begins the training, PyTorch continues it, and the loss does not jump in between.
On the right, look at how little the probabilities differ. All three libraries compute in float32, which has seven
digits. They add the 784 products of a unit in different orders, so the last digits differ.
"""

# %%
# Train the book's network for a while. Then PyTorch takes over. PyTorch's losses take scores. So leave out the last
# module (PyTorch's word for a layer), the softmax.

import tempfile

import matplotlib.pyplot as plt
import numpy as np
import onnxruntime
import safetensors.numpy
import torch
from torch.utils.data import DataLoader

from fastnet import Trainer, TwoLayerNet, load_mnist
from fastnet.interop import from_torch, load_safetensors, save_safetensors, to_dataset, to_onnx, to_torch

(x_train, t_train), (x_test, t_test) = load_mnist()
network = TwoLayerNet(784, 50, 10, weight_init_std=0.1, dtype=np.float32, seed=0)
trainer = Trainer(
    network, x_train, t_train, iterations=600, optimizer_param={"lr": 0.5}, seed=0, verbose=False, progress=False
)
trainer.train()
print(f"after fastnet: test accuracy {network.accuracy(x_test, t_test):.4f}")

model = to_torch(network)
scores = model[:-1].train()
optimizer = torch.optim.SGD(scores.parameters(), lr=0.5)
torch.manual_seed(0)
torch.set_num_threads(1)  # for a network as small as this one, more threads are slower
losses = []
for images, labels in DataLoader(to_dataset(x_train, t_train), batch_size=100, shuffle=True):
    optimizer.zero_grad()
    loss = torch.nn.functional.cross_entropy(scores(images), labels)
    loss.backward()
    optimizer.step()
    losses.append(loss.item())

# %%
# Bring the model back. It is a `TwoLayerNet` again, with all that fastnet has for it.

network = from_torch(model)
print(f"after PyTorch: test accuracy {network.accuracy(x_test, t_test):.4f}")
print(network)

# %%
# Write the network as ONNX, and run it. Write the weights alone, too. Any program that knows the format finds them by
# the book's names; fastnet reads the same bits.

with tempfile.TemporaryDirectory() as folder:
    to_onnx(network, f"{folder}/digits.onnx")
    session = onnxruntime.InferenceSession(f"{folder}/digits.onnx")
    save_safetensors(network, f"{folder}/digits.safetensors")
    again = load_safetensors(f"{folder}/digits.safetensors")
    weights = safetensors.numpy.load_file(f"{folder}/digits.safetensors")
(by_onnx,) = session.run(None, {"x": x_test})
by_torch = model(to_dataset(x_test, t_test).tensors[0]).detach().numpy()
by_fastnet = network.predict(x_test)
differences = {}
for name, y in ("PyTorch", by_torch), ("onnxruntime", by_onnx):
    differences[name] = np.abs(y - by_fastnet) / by_fastnet
    same = np.mean(y.argmax(axis=1) == by_fastnet.argmax(axis=1))
    print(f"{name:<12} largest difference {np.abs(y - by_fastnet).max():.1e}, the same digit in {same:.2%}")

same = bool((again.predict(x_test) == by_fastnet).all())
print(f"safetensors  {', '.join(sorted(weights))}; the same bits: {same}")

# %%
# Plot the losses, and the relative differences of some probabilities, without those that do not differ at all.

figure, (left, right) = plt.subplots(1, 2, figsize=(13, 5), layout="constrained")
for name, start, values in ("fastnet", 0, trainer.train_loss_list), ("PyTorch", 600, losses):
    smooth = np.convolve(values, np.ones(20) / 20, "valid")
    left.plot(start + np.arange(len(smooth)) + 10, smooth, label=name)
left.set(title="One training in two libraries", xlabel="iteration", ylabel="loss, mean of 20", ylim=(0, None))
left.legend(loc="upper right")
left.grid(alpha=0.3)
for name, marker in ("PyTorch", "o"), ("onnxruntime", "x"):
    right.loglog(by_fastnet[::200].ravel(), differences[name][::200].ravel(), marker, markersize=4, label=name)
right.axhline(np.finfo(np.float32).eps, color="gray", linestyle="--", label="the last digit of float32")
right.set(title="How far apart the probabilities are", xlabel="probability", ylabel="relative difference from fastnet")
right.set_ylim(8e-9, 5e-6)  # with room for the legend
right.legend(loc="lower right")
right.grid(alpha=0.3)
figure.savefig("25_moving_on.png")
print("The picture is in 25_moving_on.png")
