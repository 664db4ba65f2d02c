"""Run a notebook in a kernel of its own, with fastnet behind the book's definitions, and print what its cells print."""

import base64
import os
import re
import sys
from pathlib import Path
from typing import Any

from fastnet._extras import needing
from fastnet.textbook._program import what_to_write

# Also `files = !ls`, and the commands of IPython that call another program.
SHELL = re.compile(
    r"^\s*(?:[\w., ()\[\]*]+=\s*)?(!|%(system|sx|pip|conda|mamba|micromamba|uv)\b"
    r"|%%(!|(bash|sh|script|system|sx|cmd|perl|ruby)\b)).*",
    re.MULTILINE,
)
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
SEED = "import random, numpy; random.seed(0); numpy.random.seed(0)"
TELL = "import sys; sys.stdout = sys.stderr; from fastnet.textbook import _listing; print(_listing.{}())"


def run(path: str, *, serving: bool = True, seed: bool = False, plots: Path | None = None, tell: str = "") -> int:
    """Run the cells and return the exit status; `tell` is the listing to print at the end."""
    with needing("notebook", "a notebook"):
        import ipykernel  # noqa: F401
        import nbformat
        from nbclient import NotebookClient
        from nbclient.exceptions import CellExecutionError

    class Printing(NotebookClient):  # type: ignore[misc]
        """A client that prints the output of the cells as it comes, and saves their figures."""

        figures = 0

        def process_message(self, msg: dict[str, Any], cell: Any, cell_index: int) -> Any:
            content = msg["content"]
            match msg["msg_type"]:
                case "stream":
                    print(content["text"], end="", flush=True, file=getattr(sys, content["name"]))
                case "execute_result" | "display_data":
                    data = content["data"]
                    if "image/png" in data and plots is not None:
                        self.figures += 1
                        plots.mkdir(parents=True, exist_ok=True)
                        (plots / f"figure-{self.figures}.png").write_bytes(base64.b64decode(data["image/png"]))
                    print(data.get("text/plain", ""), flush=True)
            return super().process_message(msg, cell, cell_index)

    notebook = nbformat.read(path, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    notebook.cells.append(nbformat.v4.new_code_cell())  # the client puts our own cells here, at -1
    for number, cell in enumerate(cells, 1):
        if shell := SHELL.search(cell.source):
            raise ValueError(
                f"code cell {number} of {path} is for a shell, and is not run: {shell[0].strip()}. "
                "Remove it from the notebook"
            )
    client = Printing(notebook, timeout=None, kernel_name="python3")
    client.resources = {"metadata": {"path": str(Path(path).resolve().parent)}}
    if os.name == "posix":  # files instead of network ports between this process and the kernel
        client.create_kernel_manager().transport = "ipc"

    def run_own(code: str) -> None:
        client.execute_cell(nbformat.v4.new_code_cell(code), -1, store_history=False)

    with client.setup_kernel():
        if seed:
            run_own(SEED)
        if serving:
            run_own("import fastnet.textbook")
        status = 0
        try:
            for index, cell in enumerate(cells):
                client.execute_cell(cell, index)
        except CellExecutionError as error:
            print(COLOURS.sub("", error.traceback), file=sys.stderr)
            if advice := what_to_write(AttributeError(error.evalue)):
                print(f"fastnet run: {advice}", file=sys.stderr)
            status = 1
        except KeyboardInterrupt:
            return 130
        if tell:
            run_own(TELL.format(tell))
    return status
