"""The lessons as text for a terminal: nothing of Markdown or LaTeX is left, and every line fits."""

import re

import pytest

from fastnet.lessons import _shelf
from fastnet.lessons._columns import columns, table, wrapped
from fastnet.lessons._formulas import plain
from fastnet.lessons._markdown import INLINE, Answer, Code, Formula, Item, Table, blocks_of
from fastnet.lessons._spelling import spelled
from fastnet.lessons._text import Terminal
from fastnet.lessons._translation import entries, translation

CHAPTERS = _shelf.chapters()


def lines(chapter, width=80, say=str):
    return Terminal(width).lines(_shelf.lesson(chapter, say), answers=True)


def every(blocks):
    """The blocks of a lesson, with those within items and answers."""
    for block in blocks:
        yield block
        if isinstance(block, Item | Answer):
            yield from every(block.blocks)


def formulas(chapter):
    said = []
    blocks = _shelf.lesson(chapter, lambda text: said.append(text) or text)
    inline = [found["latex"] for text in said for found in INLINE.finditer(text) if found["latex"]]
    return inline, [block.latex for block in every(blocks) if isinstance(block, Formula)]


def test_there_is_a_lesson_for_each_chapter_from_2_to_7():
    assert CHAPTERS == [2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_no_mark_of_markdown_or_latex_is_left(chapter):
    blocks = [block for block in _shelf.lesson(chapter) if not isinstance(block, Code)]
    words = "\n".join(Terminal(80).lines(blocks, answers=True))
    assert len(words) > 2000
    assert not re.findall(r"\\\w+|\$|\*\*|\]\(|```|\{|\x1f|:alt:|\.\. plot", re.sub(r"`[^`]+`", "", words))


@pytest.mark.parametrize("width", [20, 40, 80, 200])
@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_line_but_code_and_a_table_of_many_columns_fits(chapter, width):
    blocks = [block for block in _shelf.lesson(chapter) if not isinstance(block, Code | Table)]
    wide = [line for line in Terminal(width).lines(blocks, answers=True) if columns(line) > width]
    assert not [line for line in wide if not re.match(r" +[⎛⎜⎝(]", line)]


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_table_fits_into_the_usual_terminal(chapter):
    tables = [block for block in every(_shelf.lesson(chapter)) if isinstance(block, Table)]
    assert all(columns(line) <= 80 for line in Terminal(80).lines(tables, answers=True))


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_code_stays_as_it_is(chapter):
    text = "\n".join(lines(chapter))
    for block in every(_shelf.lesson(chapter)):
        if isinstance(block, Code):
            assert "\n".join(f"    {line}".rstrip() for line in block.text.splitlines()) in text


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_formula_becomes_text(chapter):
    inline, displayed = formulas(chapter)
    assert inline
    assert all("\n" not in plain(latex) for latex in inline)
    assert not [text for text in map(plain, inline + displayed) if not text or re.search(r"[\\{}&\u2003]", text)]


@pytest.mark.parametrize(
    ("latex", "text"),
    [
        (r"\frac{\partial L}{\partial w}", "∂L/∂w"),
        (r"\frac{L(w + h) - L(w - h)}{2h}", "(L(w + h) - L(w - h)) / (2h)"),
        (r"w \leftarrow w - \eta \, \frac{\partial L}{\partial w}", "w ← w - η ∂L/∂w"),
        (r"\frac{1}{1 + e^{-a}}", "1 / (1 + e⁻ᵃ)"),
        (r"\frac{e^{a_k}}{2}", "e^(aₖ) / 2"),
        (r"e^{a_C}", "e^(a_C)"),
        (r"\hat x = \frac{x - m}{\sqrt{v + \epsilon}}", "x\u0302 = (x - m) / √(v + ε)"),
        (r"\sqrt{h} + \sqrt{2/400}", "√h + √(2/400)"),
        (r"\eta_t = \eta \sqrt{1 - \beta_2^t}", "ηₜ = η √(1 - β₂ᵗ)"),
        (r"\mathrm{out}_{ij} = \sum_{k=0}^{F-1} W_{kl} \, x_{i+k,\, j+l}", "outᵢⱼ = ∑(k=0 … F-1) Wₖₗ x_(i+k, j+l)"),
        (r"a, \qquad y = 1 \text{ if } a > 0", "a,    y = 1 if a > 0"),
        (r"d\,W^\top", "d Wᵀ"),
        (r"\tfrac{1}{2} \lambda W^2", "½ λ W²"),
        (r"23{,}550", "23,550"),
        (r"10^{-7} \cdot F \times F", "10⁻⁷ · F × F"),
        (r"\begin{pmatrix} 1 & 20 \\ 3 & 4 \end{pmatrix} = M", "⎛1  20⎞ = M\n⎝3  4 ⎠"),
    ],
)
def test_a_formula_reads_as_by_hand(latex, text):
    assert plain(latex) == text


@pytest.mark.parametrize(
    "latex", [r"\unknown x", r"\begin{cases} 1 \end{cases}", r"\frac{1}{2", "x_", "a & b", "a}", r"\text{a", r"\text a"]
)
def test_a_formula_that_is_not_understood_is_refused(latex):
    with pytest.raises(ValueError, match="the formula"):
        plain(latex)


@pytest.mark.parametrize(
    "page",
    [
        "> quoted", "<div>", "* a", "```{note}\nwords\n```", "```{eval-rst}\n.. figure:: a.png\n```", "```pycon\n>>> 1",
        "$$\nx", "~~~\nx\n~~~", "---", "+ a", "1) a", "![a](b.png)", "\t- a", "| a | b |\n| --- | --- |",
        "| a | b |\n| --- | --- |\n| 1 |", "| a | b |\n| --- | --- |\n| 1 \\| 2 | 3 |",
    ],
)
def test_a_block_that_is_not_understood_is_refused(page):
    with pytest.raises(ValueError, match=r"a lesson has no such block|has no end|a table has no rows"):
        blocks_of(page, str)


def test_lines_break_at_spaces_and_keep_every_letter():
    text = "Each row is one sample, and `a row of numbers` is an array."
    shown = wrapped(text, 12)
    assert " ".join(shown) == text
    assert max(map(len, shown)) <= 12


def test_japanese_breaks_between_letters_but_not_before_a_full_stop():
    text = "勾配は、損失が増える速さです。"
    shown = wrapped(text, 10)
    assert "".join(shown) == text
    assert all(columns(line) <= 10 + 2 for line in shown)
    assert not [line for line in shown if line[0] in "、。"]


def test_korean_breaks_at_spaces():
    assert wrapped("기울기는 손실이 커지는 속도", 10) == ["기울기는", "손실이", "커지는", "속도"]


def test_columns_of_a_table_stand_below_each_other_with_wide_letters_too():
    rows = table([["word", "말", "言葉"], ["bias", "편향", "バイアス"], ["b", "a\u0302", "x"]], 80)
    assert rows == [
        "word  말    言葉", "----  ----  --------", "bias  편향  バイアス", "b     a\u0302     x",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "encoding", "shown"),
    [
        ("∂L/∂w ← η x₁₂⁻¹", "ascii", "dL/dw <- eta x_12^-1"),
        ("η ← λ", "cp949", "η ← λ"),
        ("aₖ · ε", "cp932", "a_k * ε"),
        ("√h ≈ x\u0302", "ascii", "sqrt h ~ x_hat"),
        ("Wᵀ and 가", "cp932", "W^T and ?"),
        ("the loss (손실 함수, 損失関数), f(η, x)", "ascii", "the loss, f(eta, x)"),
        ("the loss (손실 함수, 損失関数)", "cp949", "the loss (손실 함수)"),
        ("the loss (손실 함수, 損失関数)", "cp932", "the loss (損失関数)"),
        ("a step (η, x₁)", "ascii", "a step (eta, x_1)"),
    ],
)
def test_what_an_encoding_lacks_is_spelled(text, encoding, shown):
    assert spelled(text, encoding) == shown


CATALOGUE = r'''
# A translator's note
msgid ""
msgstr "Content-Type: text/plain; charset=UTF-8\n"

#: learn/chapter-2.md:1
msgid "A rule that decides (chapter 2)"
msgstr "결정하는 유닛 하나 (2장)"

#, fuzzy
msgid "The picture"
msgstr "옛 그림"

msgid "The formula"
msgstr ""

msgid ""
"$a$: the weighted sum plus the bias. "
"$y$: the answer."
msgstr ""
"$a$: 가중합. "
"$y$: \"답\""

msgid "Answer"
msgstr "답"

msgid "a = w_1 x_1 + w_2 x_2 + b, \\qquad y = 1 \\text{ if } a > 0, \\text{ else } 0"
msgstr "a = w_1 x_1 + w_2 x_2 + b, \\qquad y = \\text{답}"

msgid "-0.7"
msgstr "−0.7"
msgid "By the word msgstr"
msgstr "msgstr 옆"

#~ msgid "By hand"
#~ msgstr "손으로"
'''


def test_a_translation_replaces_its_block_and_leaves_english_where_there_is_none():
    translated = entries(CATALOGUE)
    text = "\n".join(lines(2, say=lambda text: translated.get(text, text)))
    assert translated["By the word msgstr"] == "msgstr 옆"
    for shown in ["결정하는 유닛 하나 (2장)\n" + "=" * 24, "- a: 가중합. y: \"답\"", "   답:\n", "y = 답", "−0.7"]:
        assert shown in text
    for english in ["The picture\n---", "The formula\n---", "By hand\n---"]:
        assert english in text


@pytest.mark.parametrize("language", ["ko", "ja"])
@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_translated_lesson_can_be_shown(chapter, language):
    translated = translation(language)
    text = lines(chapter, say=lambda text: translated.get(text, text))
    assert text != lines(chapter)
    assert text[0] in translated.values()
