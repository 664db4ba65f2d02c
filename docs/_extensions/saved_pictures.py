"""The pictures of the examples in the gallery: what an example has saved itself is not drawn a second time."""

import shutil
from pathlib import Path
from typing import Any


def saved_picture(block: Any, variables: dict[str, Any], gallery: dict[str, Any]) -> str:
    """Return the picture of a block of an example: a scraper for sphinx-gallery."""
    from matplotlib import pyplot as plt
    from sphinx_gallery.scrapers import figure_rst, matplotlib_scraper

    saved = Path(variables["src_file"]).with_suffix(".png")
    if not saved.exists():
        return str(matplotlib_scraper(block, variables, gallery))
    picture = next(variables["image_path_iterator"])
    shutil.move(saved, picture)
    titles = [ax.get_title() for number in plt.get_fignums() for ax in plt.figure(number).axes]
    plt.close("all")
    return str(figure_rst([picture], gallery["src_dir"], ", ".join(filter(None, titles))))
