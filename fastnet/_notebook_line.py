"""The progress of a training run in a notebook without widgets: one line of text, which changes in place."""

import io
from typing import Any


def line_in_place() -> Any:
    """Return a kind of progress bar that writes to no stream."""
    from IPython.display import display
    from tqdm import tqdm

    class Line(tqdm):  # type: ignore[type-arg]
        shown: Any = None

        def __init__(self, **options: Any) -> None:
            super().__init__(file=io.StringIO(), ascii=False, **options)

        def display(self, msg: str | None = None, pos: int | None = None) -> None:  # noqa: ARG002
            text = {"text/plain": msg or str(self)}
            if self.shown is None:
                self.shown = display(text, raw=True, display_id=True)
            else:
                self.shown.update(text, raw=True)

    return Line
