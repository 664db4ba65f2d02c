"""`fastnet bench`: measure in about ten seconds how much faster the compiled kernels are on this machine."""

import argparse
from typing import Any

from fastnet._bench.comparison import NOTE, Comparison
from fastnet.cli import _arguments

SECONDS = 10.0


def add_parser(commands: Any) -> None:
    """Add `bench` to the commands."""
    parser = _arguments.add_command(
        commands,
        "bench",
        run,
        help="time the textbook's code and fastnet side by side",
        description="Time the textbook's code, fastnet's NumPy twins and its compiled kernels in turn, on one thread, "
        "and print the medians. A ratio is the time to its left, divided by the time in the last column: if it is 3, "
        "fastnet is 3 times as fast, and if it is below 1, fastnet is slower.",
    )
    parser.add_argument(
        "--seconds", type=_arguments.rate, metavar="S", default=SECONDS,
        help=f"how long to measure, about: a longer time gives more stable results (default: {SECONDS:g})",
    )


def run(args: argparse.Namespace) -> int:
    """Measure, and print each row as soon as it is measured."""
    comparison = Comparison()
    print("\n".join(comparison.head()))
    for row in comparison.measure(args.seconds):
        print(comparison.line(row), flush=True)
    print(f"\n{NOTE}")
    return 0
