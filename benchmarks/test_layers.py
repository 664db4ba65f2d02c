"""The book's networks of chapters 5 to 8 on MNIST, layer by layer: forward and backward of a batch of 100."""

import peers
import pytest

from fastnet._bench import cases as comparisons

pytestmark = pytest.mark.benchmark(max_time=0.2, min_rounds=3)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("implementation", peers.implementations("backpropagation"))
@pytest.mark.parametrize(
    ("name", "layers_of"),
    [
        ("SimpleConvNet", comparisons.layers_of_simple_conv_net),
        ("DeepConvNet", comparisons.layers_of_deep_conv_net),
    ],
)
def test_backpropagation(compare, dtype, name, layers_of, mnist):
    x, labels, _ = mnist
    images = x[:100].reshape(100, 1, 28, 28).astype(dtype)
    contenders = comparisons.backpropagation(layers_of, images, labels[:100])
    # The sums over up to 78,400 positions are added in different orders. The textbook's are in float64. Where the two
    # largest elements of a window are equal up to rounding, another one may win.
    tolerance = 5e-3 if dtype == "float32" else 1e-10
    compare("network", f"{name}, forward and backward, batch 100, {dtype}", contenders, tolerance, tolerance)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("implementation", peers.implementations("backpropagation"))
@pytest.mark.parametrize(
    ("name", "layers_of"),
    [
        ("chapter 5, 784-50-10", comparisons.layers_of_two_layer_net),
        ("chapter 6, 784-5x100-10", comparisons.layers_of_multi_layer_net),
        ("chapter 6, 784-5x100-10 with batch normalisation", comparisons.layers_of_batch_norm_net),
    ],
)
def test_dense_backpropagation(compare, dtype, name, layers_of, mnist):
    # As in the book's programs, the images are float32 in either case.
    x, labels, _ = mnist
    contenders = comparisons.backpropagation(layers_of, x[:100].astype("float32"), labels[:100], dtype)
    # Sums of up to 784 products in another order, and one more factor of rounding for each layer that follows.
    tolerance = 1e-3 if dtype == "float32" else 1e-10
    compare("network", f"{name}, forward and backward, batch 100, {dtype}", contenders, tolerance, tolerance)
