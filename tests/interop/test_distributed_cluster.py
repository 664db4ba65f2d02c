"""A Dask cluster of two processes, one of which is killed in the middle: the results stay the same."""

import os
import signal
from contextlib import contextmanager

import numpy as np
import pytest

from fastnet import MultiLayerNet, MultiLayerNetExtend, SimpleConvNet, Trainer, TwoLayerNet
from fastnet.gradient import numerical_gradient
from fastnet.interop import data_parallel
from fastnet.search import random_search

joblib = pytest.importorskip("joblib", exc_type=ImportError)
distributed = pytest.importorskip("distributed", exc_type=ImportError)
pytestmark = pytest.mark.usefixtures("time_limit")

KILL = getattr(signal, "SIGKILL", signal.SIGTERM)


@contextmanager
def two_processes():
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address="127.0.0.1:0"
    ) as cluster, distributed.Client(cluster) as client:  # fmt: skip
        yield client


@pytest.fixture(scope="module")
def client():
    with two_processes() as client:
        yield client


@pytest.fixture
def own_client():
    """The client of a cluster for one test, which kills a worker."""
    with two_processes() as client:
        yield client


@pytest.fixture
def die(tmp_path):
    """A function that kills the process of the worker that calls it first, and does nothing later or here."""
    here, killed = os.getpid(), str(tmp_path / "killed")

    def die():
        if os.getpid() == here:
            return
        try:
            os.close(os.open(killed, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return
        os.kill(os.getpid(), KILL)

    yield die
    assert os.path.exists(killed), "no worker was killed"


@pytest.mark.usefixtures("own_client")
def test_a_gradient_is_the_same_if_a_worker_is_killed(die):
    large = np.arange(5000.0)  # more than joblib would give to one worker alone

    def f(x):
        if x[25] != 2.5:  # in the middle of the parts
            die()
        return np.sum(np.sin(x)) + large[1]

    x = np.arange(50) / 10
    with joblib.parallel_config(backend="dask"):
        gradient = numerical_gradient(f, x, n_jobs=-1)
    assert np.array_equal(gradient, numerical_gradient(f, x))


def trained(network, x, t, **options):
    return Trainer(network, x, t, mini_batch_size=20, verbose=False, progress=False, **options)


@pytest.mark.usefixtures("own_client")
def test_a_search_is_the_same_if_a_worker_is_killed(die):
    random = np.random.default_rng(0)
    x, t = random.random((80, 6)), random.integers(3, size=80)
    make, network_of = trained, MultiLayerNet

    def train(lr, weight_decay):
        trainer = make(
            network_of(6, [8], 3, weight_decay_lambda=weight_decay), x, t, x_test=x[:40], t_test=t[:40],
            iterations=20, optimizer_param={"lr": lr}, on_step=lambda trainer: trainer.current_iter == 10 and die(),
        )  # fmt: skip
        trainer.train()
        return trainer.test_acc_list, trainer.train_acc_list

    with joblib.parallel_config(backend="dask"):
        result = random_search(train, 8, seed=0)
    assert result == random_search(train, 8, seed=0)


NETWORKS = {
    "TwoLayerNet": lambda **o: TwoLayerNet(16, 10, 3, weight_init_std=0.5, seed=0, **o),
    "MultiLayerNet": lambda **o: MultiLayerNet(16, [10, 8], 3, weight_decay_lambda=0.01, seed=0, **o),
    "SimpleConvNet": lambda **o: SimpleConvNet(
        (1, 8, 8), {"filter_num": 3, "filter_size": 3, "pad": 0, "stride": 1}, hidden_size=5, output_size=3, seed=0, **o
    ),
}
OPTIMIZERS = {"TwoLayerNet": ("SGD", {"lr": 0.5}), "MultiLayerNet": ("Adam", {}), "SimpleConvNet": ("Momentum", {})}


def data_for(name):
    random = np.random.default_rng(0)
    x = random.random((90, 1, 8, 8) if name == "SimpleConvNet" else (90, 16))
    return x, random.integers(3, size=90)


def assert_trains_alike(name, client, on_step=None):
    optimizer, param = OPTIMIZERS[name]
    x, t = data_for(name)
    alone, together = (
        trained(
            NETWORKS[name](), x, t, x_test=x, t_test=t, iterations=12, optimizer=optimizer, optimizer_param=param,
            validation=0.2, seed=1, on_step=hook,
        )
        for hook in (None, on_step)
    )  # fmt: skip
    alone.train()
    with data_parallel(together, client) as same:
        assert same is together
        together.train()
    # 1e-10: only the order of the sums differs, by 1e-16 in each of 12 steps, which training can amplify.
    assert np.allclose(together.train_loss_list, alone.train_loss_list, rtol=0, atol=1e-10)
    for key, value in alone.network.params.items():
        assert np.allclose(together.network.params[key], value, rtol=0, atol=1e-10)
    assert together.train_acc_list == alone.train_acc_list
    assert np.allclose(together.val_loss_list, alone.val_loss_list, rtol=0, atol=1e-10)


@pytest.mark.parametrize("name", NETWORKS)
def test_training_on_shards_is_training_in_one_process(client, name):
    assert_trains_alike(name, client)


def test_training_is_the_same_if_a_worker_is_killed(own_client):
    killed = []

    def kill(trainer):
        if trainer.current_iter == 4:
            killed.append(min(own_client.run(os.getpid).values()))
            os.kill(killed[0], KILL)

    assert_trains_alike("SimpleConvNet", own_client, kill)
    assert killed


def test_float32_and_labels_as_bytes_and_a_batch_within_one_shard(client):
    x, t = data_for("TwoLayerNet")
    alone, together = (
        trained(NETWORKS["TwoLayerNet"](dtype=np.float32), x.astype(np.float32), t.astype(np.uint8), seed=1)
        for _ in range(2)
    )
    for trainer in alone, together:
        trainer.batch_size = 1
    with data_parallel(together, client):
        for _ in range(3):
            together.train_step()
            alone.train_step()
    assert together.network.params["W1"].dtype == np.float32
    assert np.allclose(together.network.params["W1"], alone.network.params["W1"], rtol=0, atol=1e-6)


def test_after_the_block_the_trainer_computes_here_again(client):
    x, t = data_for("TwoLayerNet")
    trainer = trained(NETWORKS["TwoLayerNet"](), x, t, seed=1)
    with pytest.raises(KeyError, match="wrong"), data_parallel(trainer, client):
        raise KeyError("wrong")
    calls = []
    trainer.network.gradient = lambda x, t: calls.append(len(x)) or TwoLayerNet.gradient(trainer.network, x, t)
    trainer.train_step()
    assert calls == [20]


def test_an_error_of_the_network_comes_out_with_its_type(client):
    x, t = data_for("TwoLayerNet")
    trainer = trained(NETWORKS["TwoLayerNet"](), x, t, seed=1)
    with data_parallel(trainer, client):
        trainer.network.params["W1"] = np.zeros((2, 2))
        with pytest.raises(ValueError, match="broadcast"):
            trainer.train_step()


@pytest.mark.parametrize("option", ["use_batchnorm", "use_dropout"])
def test_what_depends_on_the_whole_batch_or_on_chance_is_refused_and_does_not_change(client, option):
    x, t = data_for("MultiLayerNet")
    network = MultiLayerNetExtend(16, [10, 8], 3, **{option: True})
    trainer = trained(network, x, t, seed=1)
    state = np.random.get_state()[1].copy()
    with pytest.raises(ValueError, match=r"not the mean of those .* leave them out"), data_parallel(trainer, client):
        pass
    assert np.array_equal(np.random.get_state()[1], state)
    if option == "use_batchnorm":
        assert network.layers["BatchNorm1"].running_mean is None


class OwnStep(Trainer):
    def train_step(self):
        self.current_iter += 1


@pytest.mark.parametrize(
    ("make", "options", "error", "message"),
    [
        (Trainer, {"gradient": "numerical"}, ValueError, "backpropagation, got gradient='numerical'"),
        (Trainer, {"augment": lambda x, t, _: (x, t)}, ValueError, "augment changes the mini-batches"),
        (OwnStep, {}, TypeError, "OwnStep has a train_step of its own"),
        (lambda *_, **__: None, {}, TypeError, "trainer must be a fastnet.Trainer, got None"),
    ],
)
def test_other_trainers_are_refused(client, make, options, error, message):
    trainer = make(NETWORKS["TwoLayerNet"](), *data_for("TwoLayerNet"), **options)
    with pytest.raises(error, match=message), data_parallel(trainer, client):
        pass


def test_a_second_block_within_the_first_is_refused(client):
    trainer = trained(NETWORKS["TwoLayerNet"](), *data_for("TwoLayerNet"))
    with data_parallel(trainer, client):
        with pytest.raises(ValueError, match="already uses a cluster"), data_parallel(trainer, client):
            pass
        assert "_of_batch" in vars(trainer)
    assert "_of_batch" not in vars(trainer)


def test_a_cluster_without_workers_is_refused(client, monkeypatch):
    trainer = trained(NETWORKS["TwoLayerNet"](), *data_for("TwoLayerNet"))
    monkeypatch.setattr(client, "nthreads", dict)
    with pytest.raises(ValueError, match="the cluster of the client has no workers"), data_parallel(trainer, client):
        pass


def test_a_closed_client_is_refused(client):
    closed = distributed.Client(client.scheduler.address)
    closed.close()
    trainer = trained(NETWORKS["TwoLayerNet"](), *data_for("TwoLayerNet"))
    with pytest.raises(ValueError, match="client must be connected"), data_parallel(trainer, closed):
        pass


def test_what_is_no_client_is_refused():
    trainer = trained(NETWORKS["TwoLayerNet"](), *data_for("TwoLayerNet"))
    with pytest.raises(TypeError, match=r"client must be a distributed.Client, got None"), data_parallel(trainer, None):
        pass
