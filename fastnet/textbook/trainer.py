"""The `Trainer` of `common/trainer.py`: every attribute, every draw and every line are the book's.

The time of a training is spent in the network and in the optimizer. So the reader's own loop runs, and what is served
here is the spelling of an optimizer that some printings have wrong.
"""

from typing import Any

import fastnet
from fastnet.textbook._serving import Served

SPELLINGS = {"rmsprop": "rmsprpo", "rmsprpo": "rmsprop", "adagrad": "addgrad"}


class Absent(fastnet.Trainer):
    """fastnet's Trainer with the book's arguments, lines and draws, and without a bar."""

    def __init__(
        self, network: Any, x_train: Any, t_train: Any, x_test: Any, t_test: Any, epochs: Any = 20,
        mini_batch_size: Any = 100, optimizer: Any = "SGD", optimizer_param: Any = {"lr": 0.01},  # noqa: B006
        evaluate_sample_num_per_epoch: Any = None, verbose: Any = True,
    ) -> None:  # fmt: skip
        super().__init__(
            network, x_train, t_train, x_test, t_test, epochs, mini_batch_size, optimizer, optimizer_param,
            evaluate_sample_num_per_epoch, verbose, progress=False,
        )  # fmt: skip


class Trainer(Served):
    """The reader's Trainer, which takes the right spelling and the book's of every optimizer."""

    _absent = Absent
    _public = "fastnet.Trainer"

    def __init__(
        self, network: Any, x_train: Any, t_train: Any, x_test: Any, t_test: Any, epochs: Any = 20,
        mini_batch_size: Any = 100, optimizer: Any = "SGD", optimizer_param: Any = {"lr": 0.01},  # noqa: B006
        evaluate_sample_num_per_epoch: Any = None, verbose: Any = True,
    ) -> None:  # fmt: skip
        data = (network, x_train, t_train, x_test, t_test, epochs, mini_batch_size)
        others = (optimizer_param, evaluate_sample_num_per_epoch, verbose)
        try:
            self.book.__init__(self, *data, optimizer, *others)
        except KeyError as error:
            if not error.args or error.args[0] != str(optimizer).lower() or error.args[0] not in SPELLINGS:
                raise
            self.book.__init__(self, *data, SPELLINGS[error.args[0]], *others)
