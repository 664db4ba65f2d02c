"""What the tests of several commands share."""

import pytest

from fastnet.cli import main


@pytest.fixture
def run(capsys):
    """Run `fastnet train`: its exit status, standard output and standard error."""

    def command(*arguments):
        try:
            status = main(["train", *[str(argument) for argument in arguments]])
        except SystemExit as stop:  # argparse's way
            status = stop.code
        return status, *capsys.readouterr()

    return command
