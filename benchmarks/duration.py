"""How long the benchmarks take at least, counted before they start."""


TOGETHER = ("implementation", "factor", "images")  # the tests of a group differ in these parameters


def least(items, seconds):
    """Say it of the collected tests. The rounds of a group take `seconds`, and those of a test its own `max_time`."""
    tests = [(item, marker) for item in items if (marker := item.get_closest_marker("benchmark"))]
    if not tests:
        return None
    groups = {_group(item) for item, _ in tests}
    total = seconds * len(groups) + sum(marker.kwargs["max_time"] for _, marker in tests)
    time = f"{total:.0f} seconds" if total < 120 else f"{total / 60:.0f} minutes"
    return f"This takes at least {time}, and more on a busy machine (comparisons: {len(groups)}, tests: {len(tests)})."


def _group(item):
    """Return what is the same for all tests of a group."""
    given = item.callspec.params if hasattr(item, "callspec") else {}
    return item.nodeid.partition("[")[0], *(repr(value) for name, value in given.items() if name not in TOGETHER)
