"""The book's convolutional networks on MNIST, layer by layer: forward and backward of a batch of 100."""

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
