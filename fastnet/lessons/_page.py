"""A lesson as one file for a browser, which needs nothing else: its pictures are in it, and its formulas are MathML."""

import base64
import io
import re
from collections.abc import Callable, Iterable
from functools import partial
from html import escape

from fastnet._extras import library
from fastnet._languages import Language
from fastnet.lessons._labels import relabelled
from fastnet.lessons._markdown import (
    INLINE,
    Answer,
    Block,
    Code,
    Formula,
    Heading,
    Item,
    Paragraph,
    Picture,
    Say,
    Table,
)

_STYLE = """
:root { color-scheme: light dark; }
body { max-width: 52rem; margin: 2rem auto; padding: 0 1rem; font: 1rem/1.6 system-ui, sans-serif; }
pre { overflow-x: auto; padding: 0.7rem; border: 1px solid #8886; border-radius: 4px; line-height: 1.4; }
code { font-size: 0.92em; }
img { max-width: 100%; background: #fff; border-radius: 4px; }
@media (prefers-color-scheme: dark) { img { filter: brightness(0.8); } }
table { border-collapse: collapse; display: block; overflow-x: auto; }
th, td { text-align: left; padding: 0.3rem 0.9rem 0.3rem 0; border-bottom: 1px solid #8886; }
ul, ol { margin: 0.4rem 0; }
math[display="block"] { margin: 1rem 0; overflow-x: auto; }
summary { cursor: pointer; }
:lang(ko) em, :lang(ja) em { font-style: normal; font-weight: bold; }
"""


def page(blocks: list[Block], language: Language, say: Say) -> str:
    """Return a lesson as HTML, with its answers folded. `say` translates the labels of its pictures."""
    title = next(block.text for block in blocks if isinstance(block, Heading))
    body = _html(blocks, _converter(), partial(relabelled, say=say, language=language))
    return (
        f'<!doctype html>\n<html lang="{language}">\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width">\n<title>{escape(title)}</title>\n'
        f"<style>{_STYLE}</style>\n{body}\n</html>\n"
    )


def _converter() -> Callable[..., str]:
    module = library("docutils.utils.math.latex2mathml", "lessons", "fastnet lesson --open")
    convert: Callable[..., str] = module.tex2mathml
    return convert


def _html(blocks: Iterable[Block], mathml: Callable[..., str], relabel: Callable[[str], str]) -> str:
    def words(markdown: str) -> str:
        shown, after = [], 0
        for found in INLINE.finditer(markdown):
            shown += [escape(markdown[after : found.start()]), marked(found)]
            after = found.end()
        return "".join([*shown, escape(markdown[after:])])

    def marked(found: re.Match[str]) -> str:
        if found["latex"]:
            return mathml(found["latex"])
        if found["code"]:
            return f"<code>{escape(found['code'].strip('`'))}</code>"
        if found["link"]:
            return words(found["link"])  # to another page of the documentation, which may not be here
        return f"<b>{words(found['strong'])}</b>" if found["strong"] else f"<em>{words(found['emphasis'])}</em>"

    def shown(block: Block) -> str:
        match block:
            case Heading(level, text):
                return f"<h{level}>{words(text)}</h{level}>"
            case Paragraph(text):
                return f"<p>{words(text)}</p>"
            case Item(mark, inside):
                kind, start = ("ul", "") if mark == "-" else ("ol", f' start="{mark.rstrip(".")}"')
                return f"<{kind}{start}><li>{_html(inside, mathml, relabel)}</li></{kind}>"
            case Table([head, *body]):
                rows = ["".join(f"<th>{words(cell)}</th>" for cell in head)]
                rows += ["".join(f"<td>{words(cell)}</td>" for cell in row) for row in body]
                return f"<table>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>"
            case Code(text):
                return f"<pre><code>{escape(text)}</code></pre>"
            case Formula(latex):
                return mathml(latex, as_block=True)
            case Picture(alt, program):
                return f'<p><img alt="{escape(alt)}" src="{_address(relabel(_drawn(program)))}"></p>'
            case Answer(title, inside):
                return f"<details><summary>{words(title)}</summary>{_html(inside, mathml, relabel)}</details>"
        raise TypeError(f"a page shows no {block!r}: write it in another way")

    return "\n".join(map(shown, blocks))


def _drawn(program: str) -> str:
    """Run a program that draws with matplotlib, and return its picture as SVG."""
    import matplotlib.pyplot as plt

    file = io.StringIO()
    with plt.rc_context({"figure.constrained_layout.use": True, "svg.fonttype": "none"}):
        exec(program, {})
        plt.gcf().savefig(file, format="svg")
        plt.close()
    return file.getvalue()


def _address(svg: str) -> str:
    """Return an address that holds the picture itself."""
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"
