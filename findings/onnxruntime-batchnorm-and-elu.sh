#!/usr/bin/env bash
# onnxruntime (CPU, float32) computes BatchNormalization as x * s + (b - mean * s), and Elu as exp(x) - 1. Expected: the
# seven digits of float32, as (x - mean) * s + b and expm1 give. Seen: where the mean of a unit is 100,000 times its
# standard deviation, normalised values are wrong in the third digit; Elu of -1e-8 is 0. Both inputs are ordinary: units
# with a large bias, and units near 0.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check numpy==2.4.6 onnx==1.23.2 onnxruntime==1.32.0 2>/dev/null
"$folder/env/bin/python" - <<'PYTHON'
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper

print("onnxruntime", onnxruntime.__version__)


def run(operator, x, constants, **attributes):
    node = helper.make_node(operator, ["x", *constants], ["y"], **attributes)
    graph = helper.make_graph(
        [node], "one",
        [helper.make_tensor_value_info("x", 1, [None] * x.ndim)], [helper.make_tensor_value_info("y", 1, None)],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7)
    return onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"x": x})[0]


x = np.random.default_rng(0).normal(1000, 0.01, (1000, 1)).astype(np.float32)
mean, var = (np.float32([value]) for value in (x.mean(dtype=float), x.var(dtype=float)))
one, zero = np.ones(1, np.float32), np.zeros(1, np.float32)
exact = (x.astype(float) - mean) / np.sqrt(var.astype(float) + 1e-6)
y = run("BatchNormalization", x, {"scale": one, "bias": zero, "mean": mean, "var": var}, epsilon=1e-6)
subtracted_first = (x - mean) / np.sqrt(var + np.float32(1e-6))
seen, possible = (float(np.abs(each - exact).max()) for each in (y, subtracted_first))
print(f"BatchNormalization: expected within {possible:.1e} of the exact values, seen {seen:.1e}")

small = np.float32([-1e-8, -1e-6])
elu = run("Elu", small, {}, alpha=1.0)
print(f"Elu: expected {np.expm1(small)}, seen {elu}")
sys.exit(not (seen > 1e-3 > 1e-6 > possible and elu[0] == 0))
PYTHON
