"""Ctrl-C and errors at any moment: arrays are afterwards what they were, to the last bit.

An interrupt comes in one of two ways: `f` raises it at a random call, or a timer does at a random moment, also in the
middle of fastnet's own code. With `--full` and FASTNET_TEST_INTERRUPTS=1000, a thousand of each for every function.
"""

import os
import signal
import subprocess
import sys
import time

import effort
import numpy as np
import pytest

import fastnet
from fastnet import LayeredTwoLayerNet, MultiLayerNet, TwoLayerNet
from fastnet.gradient import gradient_check, gradient_descent, jacobian, numerical_gradient
from fastnet.optimizer import BY_NAME

pytestmark = pytest.mark.usefixtures("backend")

TIMES, TIMES_IN_FULL = 15, int(os.environ.get("FASTNET_TEST_INTERRUPTS", "60"))
needs_a_timer = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there is no timer")


class OwnLossNet(TwoLayerNet):
    """A network whose loss is computed for every element, and may fail."""

    def loss(self, x, t, sample_weight=None):
        OwnLossNet.called()
        return super().loss(x, t, sample_weight)

    @staticmethod
    def called():
        pass


def arrays():
    return np.random.default_rng(0).normal(size=(4, 5))


def network(kind=TwoLayerNet):
    if kind is MultiLayerNet:
        return MultiLayerNet(5, [4], 3, seed=0)
    return kind(5, 4, 3, 0.5, seed=0)


X, T = arrays(), np.array([0, 2, 1, 1])


def number(x):
    return float(np.sum(x * x))


def rows(x):
    return np.sum(x * x, axis=-1)


# What is called, with a function that may raise; and the arrays that must stay as they are.
def of_function(call, f):
    x = arrays()
    return (lambda before: call(lambda x: (before(), f(x))[1], x)), [x]


def of_network(kind, call):
    net = network(kind)

    def run(before):
        OwnLossNet.called = staticmethod(before)
        try:
            return call(net)
        finally:
            OwnLossNet.called = staticmethod(lambda: None)

    return run, [*net.params.values()]


CALLS = {
    "numerical_gradient": lambda: of_function(numerical_gradient, number),
    "jacobian": lambda: of_function(jacobian, rows),
    "gradient_descent": lambda: of_function(lambda f, x: gradient_descent(f, x, 0.1, 3), number),
    "network.numerical_gradient": lambda: of_network(OwnLossNet, lambda net: net.numerical_gradient(X, T)),
    "gradient_check": lambda: of_network(OwnLossNet, lambda net: gradient_check(net, X, T, samples=3, seed=0)),
}
WITHOUT_F = {
    f"{kind.__name__}.numerical_gradient": lambda kind=kind: of_network(kind, lambda net: net.numerical_gradient(X, T))
    for kind in (TwoLayerNet, MultiLayerNet, LayeredTwoLayerNet)
}


def bits(values):
    return [value.tobytes() for value in values]


class TooLateError(Exception):
    """The call was over before it was interrupted."""


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
@pytest.mark.parametrize("name", CALLS)
def test_an_error_at_a_random_element_leaves_everything_as_it_was(name, error):
    call, values = CALLS[name]()
    before, count = bits(values), 0

    def counted():
        nonlocal count
        count += 1

    call(counted)
    assert bits(values) == before
    calls, random = count, np.random.default_rng(0)
    for _ in range(TIMES_IN_FULL if effort.FULL else TIMES):
        left = int(random.integers(calls))

        def fails():
            nonlocal left
            left -= 1
            if left < 0:
                raise error("at a random element")

        with pytest.raises(error, match="at a random element"):
            call(fails)
        assert bits(values) == before


def interrupted(call, seconds):
    """Run `call`, and interrupt it after so many seconds. Return whether it was still running."""

    def interrupt(*_):
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds)
        call()
        signal.setitimer(signal.ITIMER_REAL, 0)
    except KeyboardInterrupt:
        return True
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    return False


def interruptions(call):
    """Interrupt `call()` at random moments, and yield after each interrupt."""
    start = time.perf_counter()
    call()
    lasts = time.perf_counter() - start
    random = np.random.default_rng(0)
    wanted = TIMES_IN_FULL if effort.FULL else TIMES
    done = 0
    while done < wanted:
        if interrupted(call, max(1e-6, random.uniform(0, lasts))):
            done += 1
            yield


@needs_a_timer
@pytest.mark.parametrize("name", CALLS | WITHOUT_F)
def test_an_interrupt_at_a_random_moment_leaves_everything_as_it_was(name):
    call, values = (CALLS | WITHOUT_F)[name]()
    before = bits(values)
    for _ in interruptions(lambda: call(lambda: None)):
        assert bits(values) == before


def test_an_interrupt_comes_out_of_gradient_check_also_if_a_parameter_has_just_changed():
    net = network(OwnLossNet)
    before = bits(net.params.values())

    def change():
        net.params["W1"][0, 0] += 1
        raise KeyboardInterrupt

    OwnLossNet.called = staticmethod(change)
    try:
        with pytest.raises(KeyboardInterrupt):
            gradient_check(net, X, T)
    finally:
        OwnLossNet.called = staticmethod(lambda: None)
    assert bits(net.params.values()) == before


@needs_a_timer
@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.parametrize("name", BY_NAME)
def test_ctrl_c_in_an_update_lets_all_parameters_make_the_step_or_none(name, is_first, backend):
    if backend == "numpy":
        pytest.skip("in NumPy, some may have made the step, and others not")
    random, shapes = np.random.default_rng(0), [(50, 400), (400,), (400, 50), (50,), (50, 400)]
    start = {f"W{i}": random.normal(size=shape) for i, shape in enumerate(shapes)}
    grads = {key: random.normal(size=shape) for key, shape in zip(start, shapes, strict=True)}
    params, made = {}, []

    def call():
        made.clear()
        optimizer = BY_NAME[name]()
        params.update({key: value.copy() for key, value in start.items()})
        if not is_first:
            optimizer.update(params, grads)
        made.append((optimizer, bits(params.values())))
        optimizer.update(params, grads)

    call()
    after, landed = bits(params.values()), 0
    while landed < 5:  # most of the interrupts come before the update
        for _ in interruptions(call):
            if made:
                optimizer, before = made[0]
                assert bits(params.values()) in (before, after)
                landed += bits(params.values()) == after
                kept = [getattr(optimizer, attribute) for attribute in optimizer._remembers]
                assert all(memory is None or memory.keys() == params.keys() for memory in kept)


# --- the command line -------------------------------------------------------------------------------------------------

PROGRAM = "import sys\nfrom fastnet.cli import main\nif __name__ == '__main__':\n    sys.exit(main())\n"


@pytest.mark.skipif(sys.platform == "win32", reason="a process cannot be sent Ctrl-C alone")
@pytest.mark.parametrize("how", ["module", "script"])
def test_ctrl_c_while_fastnet_is_imported_ends_quietly(how, tmp_path):
    script = tmp_path / "fastnet"
    script.write_text(PROGRAM, encoding="utf-8")  # as an installation makes it
    command = [sys.executable, "-v", *(["-m", "fastnet"] if how == "module" else [str(script)]), "info"]
    environment = {**os.environ, "PYTHONPATH": os.path.dirname(os.path.dirname(fastnet.__file__))}
    # -v tells when a module begins to be imported: each of these is one moment.
    moments = ["numpy", "numpy.linalg", "fastnet._backend", "fastnet.functions", "fastnet.networks", "fastnet.cli"]
    for moment in moments if effort.FULL else moments[:: len(moments) - 2]:
        pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
        with subprocess.Popen(command, env=environment, **pipes) as run:
            for line in run.stderr:
                if line.startswith(f"import '{moment}'"):
                    run.send_signal(signal.SIGINT)
                    break
            told = run.stderr.read()  # also what -v tells, perhaps in the same line
        assert "Traceback" not in told, moment
        assert "interrupted" in told, moment
        assert run.returncode == 130, moment


def test_a_program_that_imports_fastnet_keeps_its_traceback():
    program = "import fastnet, signal\nprint(signal.getsignal(2) is signal.default_int_handler)\nsignal.raise_signal(2)"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert run.stdout == "True\n"
    assert "Traceback" in run.stderr
