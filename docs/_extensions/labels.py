"""The labels of the pictures in the text, in the languages of the documentation.

The English build draws the pictures, with their labels as text. Each language has copies of its own, with its labels.
"""

from pathlib import Path
from typing import Any

from docutils import nodes
from languages import catalogue_of, for_translators  # _extensions/languages.py
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

from fastnet.lessons._labels import labels, relabelled


class TranslateLabels(SphinxTransform):
    default_priority = 10  # before the translation

    def apply(self, **_: Any) -> None:
        for image in list(self.document.findall(nodes.image)):
            if "plot-directive" in image["classes"] and image["uri"].endswith(".svg"):
                self.translate(image)

    def translate(self, image: nodes.image) -> None:
        drawn = Path(self.document["source"]).parent / image["uri"]
        svg = drawn.read_text(encoding="utf-8")
        if self.app.builder.name == "gettext":
            image.parent.parent.extend(for_translators(label, self.document) for label in labels(svg))
        else:
            language, catalogue = self.config.language, catalogue_of(self.env.docname, self.config)
            copy = drawn.with_stem(f"{drawn.stem}-{language}")
            copy.write_text(relabelled(svg, catalogue.gettext, language), encoding="utf-8")
            image["uri"] = Path(image["uri"]).with_name(copy.name).as_posix()


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_transform(TranslateLabels)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
