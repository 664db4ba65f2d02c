"""The state of a training run as arrays: what a run that continues needs besides the trainer's arguments.

A trainer that is made with the same arguments and takes over this state goes on exactly as the first one: the same
batches, losses and parameters, bit for bit. Everything is numbers, so a file of it needs no pickle.
"""

import json
from collections.abc import Mapping, MutableMapping
from typing import Any

import numpy as np
import numpy.typing as npt

Arrays = dict[str, npt.NDArray[Any]]

LISTS = {  # of the trainer
    "train_loss_list": np.float64, "train_acc_list": np.float64, "test_acc_list": np.float64, "evaluated_at": np.int64,
}  # fmt: skip
COUNTERS = ("current_iter", "current_epoch", "_good_after")
SCHEDULE = "_schedule"  # of the optimizer: a function, which its arguments make again


def state_of(trainer: Any) -> Arrays:
    """Return the state of a trainer that draws from NumPy's global generator, and of this generator."""
    arrays: Arrays = {name: np.array(getattr(trainer, name), dtype) for name, dtype in LISTS.items()}
    arrays.update(_named("params", trainer.network.params))
    numbers: dict[str, Any] = {"trainer": {name: getattr(trainer, name) for name in COUNTERS}, "optimizer": {}}
    for name, value in trainer.optimizer.__getstate__().items():
        if isinstance(value, Mapping):
            arrays.update(_named(f"optimizer/{name}", value))
        elif name != SCHEDULE:
            numbers["optimizer"][name] = value
    numbers["watch"] = trainer._watch.state()
    arrays.update(_named("good", trainer._good.params))
    numbers["good"] = trainer._good.loss
    generator = np.random.get_state(legacy=False)
    arrays["random"] = generator["state"]["key"]
    numbers["random"] = [generator["state"]["pos"], generator["has_gauss"], generator["gauss"]]
    arrays["numbers"] = np.array(json.dumps(numbers))
    return arrays


def put_back(trainer: Any, arrays: Arrays) -> None:
    """Give a trainer, and NumPy's global generator, the state that `state_of` returned.

    Raise a ValueError if it does not fit. Then the trainer is of no use.
    """
    try:
        numbers = json.loads(arrays["numbers"].item())
        _fill(trainer.network.params, _of("params", arrays))
        state = dict(numbers["optimizer"])
        for name in trainer.optimizer._remembers:
            state.setdefault(name, _of(f"optimizer/{name}", arrays))
        trainer.optimizer.__setstate__({**state, SCHEDULE: getattr(trainer.optimizer, SCHEDULE)})
        for name in COUNTERS:
            setattr(trainer, name, int(numbers["trainer"][name]))
        for name in LISTS:
            setattr(trainer, name, arrays[name].tolist())
        trainer._watch.set_state(numbers["watch"])
        trainer._good.params, trainer._good.loss = _of("good", arrays), float(numbers["good"])
        position, has_gauss, gauss = numbers["random"]
        np.random.set_state(("MT19937", arrays["random"], position, has_gauss, gauss))
    except (AttributeError, LookupError, TypeError, ValueError, OverflowError, RecursionError) as error:
        reason = f"it has no {error}" if isinstance(error, KeyError) else error
        raise ValueError(f"the state of the training does not fit: {reason}. Give that of this trainer") from None


def _named(group: str, values: Mapping[str, Any]) -> Arrays:
    return {f"{group}/{name}": np.asarray(value) for name, value in values.items()}


def _of(group: str, arrays: Arrays) -> Arrays:
    prefix = f"{group}/"
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def _fill(params: MutableMapping[str, Any], saved: Arrays) -> None:
    """Put the saved values into the arrays of `params`, which a network's layers hold too."""
    if saved.keys() != params.keys():
        raise ValueError(f"it has the parameters {', '.join(saved)}, the network {', '.join(params)}")
    for name, value in saved.items():
        if (value.shape, value.dtype) != (params[name].shape, params[name].dtype):
            raise ValueError(f"{name} must be {params[name].dtype} of shape {params[name].shape}")
        params[name][...] = value
