"""Search for wrong results for as long as you like: `python tests/differential --minutes 60`.

Every round draws other examples: `--seed` chooses the first. The round that fails prints what to repeat. The table at
the end shows the largest error of each function, as a share of what is allowed or in ULP.
"""

import argparse
import contextlib
import sys
import time
import warnings
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import mpmath
from expected import LARGEST
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from properties import AGREEMENTS, PROPERTIES
from ulp import BITS

EXAMPLES = 100  # of each property in a round
ALL = PROPERTIES | AGREEMENTS


def search(name: str, number: int) -> None:
    @seed(number)
    @settings(
        max_examples=EXAMPLES, database=None, deadline=None, suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink),
    )  # fmt: skip
    @given(st.data())
    def holds(data: st.DataObject) -> None:
        examples[name] += 1
        with mpmath.workprec(BITS):
            ALL[name](data.draw)

    try:
        holds()
    except Exception:
        print(f"{name} fails with --seed {number}", file=sys.stderr)
        raise


parser = argparse.ArgumentParser(prog="python tests/differential", description=__doc__.splitlines()[0])
parser.add_argument("--minutes", type=float, default=10)
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--only", choices=ALL, help="search in one property")
arguments = parser.parse_args()
warnings.simplefilter("error")
examples: Counter[str] = Counter()
start, number = time.monotonic(), arguments.seed
with contextlib.suppress(KeyboardInterrupt):  # Ctrl-C ends the search before its time, with the same table
    while time.monotonic() - start < 60 * arguments.minutes:
        for name in [arguments.only] if arguments.only else ALL:
            search(name, number)
        number += 1
minutes = (time.monotonic() - start) / 60
print(f"{sum(examples.values()):,} examples in {minutes:.0f} minutes, seeds {arguments.seed} to {number - 1}")
print("\nExamples:")
for name, count in examples.items():
    print(f"{count:10,}  {name}")
print("\nThe largest error:")
for (name, unit), error in sorted(LARGEST.items()):
    print(f"{error:10.3f}  {unit:14}  {name}")
