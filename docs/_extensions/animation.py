"""The directive `animation`: pictures that move, drawn when the pages are built.

Its content is Python that leaves an animation of matplotlib in the variable `animation`. The page gets an animated PNG,
which plays three times, and its last picture alone for readers who want no motion.
"""

import shutil
from html import escape
from pathlib import Path
from typing import Any

PLAYED = 3  # how often; readers are not to be disturbed for longer


def setup(app: Any) -> dict[str, Any]:
    from docutils import nodes
    from docutils.parsers.rst import directives
    from languages import catalogue_of, for_translators  # _extensions/languages.py
    from sphinx.util.docutils import SphinxDirective

    class Animation(SphinxDirective):
        required_arguments = 1  # the name of the files
        option_spec = {"alt": directives.unchanged_required}  # noqa: RUF012 - as docutils has it
        has_content = True

        def run(self) -> list[nodes.Node]:
            name, alt = self.arguments[0], self.options["alt"]
            if self.env.app.builder.name == "gettext":
                return [for_translators(alt, self.state.document)]
            if self.env.app.builder.format != "html":
                return []
            up = "../" * self.env.docname.count("/")
            if self.config.language == "en":
                variables: dict[str, Any] = {}
                exec("\n".join(self.content), variables)
                write(variables["animation"], drawn(self.env.app), name)
            else:  # a translation, in a folder of the English pages: it shows their picture
                up += "../"
                alt = catalogue_of(self.env.docname, self.config).gettext(alt)
            html = (
                f'<picture><source media="(prefers-reduced-motion: reduce)" srcset="{up}_images/{name}-still.png">'
                f'<img class="on-paper" src="{up}_images/{name}.png" alt="{escape(alt)}"></picture>'
            )
            return [nodes.raw("", html, format="html")]

    app.add_directive("animation", Animation)
    app.connect("build-finished", show_in_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def drawn(app: Any) -> Path:
    """Return where the pictures stay: a page that has not changed is not read again, not even for a new folder."""
    return Path(app.doctreedir, "animations")


def show_in_pages(app: Any, error: Exception | None) -> None:
    if not error and drawn(app).is_dir():
        shutil.copytree(drawn(app), Path(app.outdir, "_images"), dirs_exist_ok=True)


def write(animation: Any, folder: Path, name: str) -> None:
    """Write an animation into `folder`, as NAME.png, and its last picture, as NAME-still.png."""
    from matplotlib import pyplot as plt
    from matplotlib.animation import PillowWriter

    class Writer(PillowWriter):
        def finish(self) -> None:
            first, *others = self._frames
            options = {"duration": int(1000 / self.fps), "loop": PLAYED}
            first.save(folder / f"{name}.png", save_all=True, append_images=others, **options)
            self._frames[-1].save(folder / f"{name}-still.png", optimize=True)

    folder.mkdir(parents=True, exist_ok=True)
    figure = plt.gcf()
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # no picture moves anything. To look for room in each takes half of the time
    animation.save(folder / f"{name}.png", writer=Writer(fps=2.5), dpi=110)
    plt.close("all")
