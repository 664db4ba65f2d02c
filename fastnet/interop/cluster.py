"""Data-parallel training on a Dask cluster: each worker computes the gradient on its shard of the samples.

The gradient of the mean loss of a batch is the mean of the gradients of its parts, by their numbers of samples:
``dL/dW = sum(n_k dL_k/dW) / N``. So each worker holds a shard, gets the parameters and the numbers of its samples in
the batch, and returns the gradient of its part. The optimizer then moves the parameters in this process.

The shards are results of tasks, and so are the gradients. If a worker dies, Dask makes again what was lost with it.
"""

import copy
from collections.abc import Callable, Iterator, Mapping, Sized
from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fastnet import _backend
from fastnet._checks import FLOAT32
from fastnet._extras import library
from fastnet.trainer import Trainer

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["data_parallel"]

TRIED = 10  # samples of which the gradients are compared
# How far the mean of the gradients of the parts may be from the gradient of the whole, relative to its largest element.
# Rounding gives about 1e-15 and, in float32, 1e-6. Batch normalization and dropout give about 1.
ALLOWED, ALLOWED_IN_FLOAT32 = 1e-9, 1e-3


@contextmanager
def data_parallel(trainer: Trainer, client: "Client") -> Iterator[Trainer]:
    """Let a trainer compute its gradients on the workers of a Dask cluster, in a ``with`` block.

    Parameters
    ----------
    trainer : Trainer
        A trainer with backpropagation and without `augment`. Its network's loss must be a mean over the samples, so
        that the mean of the gradients of two halves of a batch is the gradient of the batch. This holds for
        `TwoLayerNet`, `MultiLayerNet`, `SimpleConvNet`, and networks of your own whose class the workers can import. It
        does not hold with batch normalization, whose statistics are those of the whole batch, nor with dropout, which
        draws at random.
    client : distributed.Client
        The client of the cluster. fastnet must be installed on its workers. There are as many shards as workers at this
        moment.

    Returns
    -------
    context manager
        It gives the same trainer, whose `train` and `train_step` use the cluster until the block ends.

    Raises
    ------
    TypeError
        If `trainer` is not a `Trainer`, its class has a `train_step` of its own, or `client` is not a client of Dask.
    ValueError
        If `trainer` has `augment` or computes numerical gradients, or uses a cluster already; if `client` is closed or
        asynchronous; if the gradient of a batch is not the mean of those of its parts; or if the cluster has no
        workers.
    ImportError
        If distributed is not installed.

    Notes
    -----
    Goyal et al., "Accurate, Large Minibatch SGD: Training ImageNet in 1 Hour" (2017), train in this way on 256 GPUs:
    ``dL/dW = sum(n_k dL_k/dW) / N``, where ``n_k`` of the N samples of a batch are in the shard k.

    Training is as without a cluster: the same batches, and up to rounding, the same losses and parameters. In float64,
    they differ by less than 1e-10. The accuracies are computed in this process. The workers have a copy of the network,
    made when the block begins, and get the parameters in each iteration. Do not change a setting such as
    ``weight_decay_lambda`` within the block.

    An iteration sends the parameters to each worker twice, once for the gradient and once for the loss after the
    update, and this takes some milliseconds. It is worthwhile only if the gradient takes much longer than that: for
    large networks and batches.

    If a worker dies, Dask gives its shard and its unfinished work to another one, and the result is the same.

    Examples
    --------
    >>> from distributed import Client  # doctest: +SKIP
    >>> from fastnet import Trainer, TwoLayerNet, load_mnist
    >>> from fastnet.interop import data_parallel
    >>> (x_train, t_train), (x_test, t_test) = load_mnist()  # doctest: +SKIP
    >>> trainer = Trainer(TwoLayerNet(784, 50, 10), x_train, t_train, x_test, t_test)  # doctest: +SKIP
    >>> with Client("tcp://127.0.0.1:8786") as client, data_parallel(trainer, client):  # doctest: +SKIP
    ...     trainer.train()
    """
    dask, distributed = (library(name, "distributed", "data_parallel") for name in ("dask", "distributed"))
    if not isinstance(trainer, Trainer):
        raise TypeError(f"trainer must be a fastnet.Trainer, got {trainer!r}")
    if type(trainer).train_step is not Trainer.train_step:
        raise TypeError(
            f"{type(trainer).__name__} has a train_step of its own, which may not use the cluster: use hooks instead"
        )
    if not isinstance(client, distributed.Client):
        raise TypeError(f"client must be a distributed.Client, got {client!r}")
    if client.asynchronous or client.status != "running":
        raise ValueError(f"client must be connected, and not asynchronous, got {client!r}")
    if "_of_batch" in vars(trainer):
        raise ValueError("trainer already uses a cluster, in a block that has not ended: leave that block first")
    _refuse_what_would_differ(trainer)
    workers = len(client.nthreads())
    if not workers:
        raise ValueError("the cluster of the client has no workers: start some")
    # The shards and the parameters go through the scheduler, which can then make them again. That is meant.
    with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1TB"}):
        shards = _Shards(trainer, client, workers)
        trainer._of_batch = shards.of_batch  # type: ignore[method-assign]
        try:
            yield trainer
        finally:
            del trainer._of_batch


class _Shard:
    """Some of the samples and a network of its own, in a worker."""

    def __init__(self, network: Any, backend: str, x: Any, t: npt.NDArray[Any]) -> None:
        self._network = copy.deepcopy(network)  # a worker that is a thread gets the trainer's own
        self._backend, self._x, self._t = backend, x, t

    def call(self, method: str, params: Mapping[str, Any], rows: npt.NDArray[Any]) -> Any:
        """Return the network's "gradient" or "loss" for some of the samples."""
        for name, value in params.items():
            self._network.params[name][...] = value  # in place, because a network's layers may hold the array too
        with _backend.use_backend(self._backend):
            return getattr(self._network, method)(self._x.take(rows, axis=0), self._t.take(rows, axis=0))


class _Shards:
    """The samples of a trainer on a cluster: each shard holds some that follow each other."""

    def __init__(self, trainer: Trainer, client: "Client", count: int) -> None:
        self._network, self._client = trainer.network, client
        self._ends = np.linspace(0, trainer.train_size, min(count, trainer.train_size) + 1).astype(int)
        samples = [(trainer.x_train[first:end], trainer.t_train[first:end]) for first, end in pairwise(self._ends)]
        backend = _backend.get_backend()
        self._shards = [client.submit(_Shard, trainer.network, backend, x, t, pure=False) for x, t in samples]

    def of_batch(self, rows: Any) -> tuple[Callable[[], dict[str, Any]], Callable[[], Any]]:
        """Return the two functions of `Trainer._of_batch`."""
        of_shard = np.searchsorted(self._ends, rows, side="right") - 1
        parts = {int(shard): rows[of_shard == shard] - self._ends[shard] for shard in np.unique(of_shard)}

        def gradient() -> dict[str, Any]:
            gradients = self._call("gradient", parts)
            return {name: _mean([each[name] for each in gradients], parts) for name in self._network.params}

        return gradient, lambda: _mean(self._call("loss", parts), parts)

    def _call(self, method: str, parts: dict[int, Any]) -> list[Any]:
        params = dict(self._network.params)
        calls = [
            self._client.submit(_Shard.call, self._shards[shard], method, params, rows, pure=False)
            for shard, rows in parts.items()
        ]
        results: list[Any] = self._client.gather(calls)
        return results


def _mean(values: list[Any], parts: Mapping[int, Sized]) -> Any:
    """Return the mean of what the parts of a batch gave, by their numbers of samples."""
    sizes = [len(rows) for rows in parts.values()]
    return sum(value * (size / sum(sizes)) for value, size in zip(values, sizes, strict=True))


def _refuse_what_would_differ(trainer: Trainer) -> None:
    if trainer.gradient != "backprop":
        raise ValueError(
            f"a cluster computes the gradient by backpropagation, got gradient={trainer.gradient!r}: "
            "make the trainer without it"
        )
    if trainer._augment is not None:
        raise ValueError(
            "augment changes the mini-batches in this process, and the samples are on the workers: "
            "leave it out"
        )
    tried = min(TRIED, trainer.train_size)
    rows = {0: range(tried // 3), 1: range(tried // 3, tried)}
    if not rows[0]:
        return
    network: Any = copy.deepcopy(trainer.network)
    state = np.random.get_state()
    try:
        whole, *parts = (
            network.gradient(trainer.x_train[part.start : part.stop], trainer.t_train[part.start : part.stop])
            for part in (range(tried), *rows.values())
        )
    finally:
        np.random.set_state(state)
    for name in trainer.network.params:
        error = np.abs(_mean([part[name] for part in parts], rows) - whole[name]).max(initial=0)
        allowed = ALLOWED_IN_FLOAT32 if whole[name].dtype == FLOAT32 else ALLOWED
        if not error <= allowed * np.abs(whole[name]).max(initial=0):
            raise ValueError(
                f"the gradient of {name} for {tried} samples is not the mean of those for {len(rows[0])} and "
                f"{len(rows[1])} of them, so a cluster would not compute the same. Batch normalization takes its "
                "statistics from the whole batch, and dropout draws at random: leave them out"
            )
