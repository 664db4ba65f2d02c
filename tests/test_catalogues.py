"""The check of the translations finds what a translator leaves out, or changes by mistake."""

import runpy
from pathlib import Path

import pytest

catalog = pytest.importorskip("babel.messages.catalog", reason="the extra `docs` is not installed")
fault_of = runpy.run_path(str(Path(__file__).parents[1] / "tools" / "translations.py"))["fault_of"]

PIECEWISE = r"y = 1 \text{ if } a > 0, \text{ else } 0"


def fault(text, translated, **flags):
    return fault_of(text, catalog.Message(text, translated, **flags))


@pytest.mark.parametrize(
    ("text", "translated"),
    [
        ("**See** [the loss](loss.md#l) of `f` and $W$.", "**참고:** `f`와 $W$의 [손실](loss.md#l)."),
        ("[loss]{#loss}", "[손실]{#loss}"),
        ("Ten of 60,000.", "60,000개 중 10개."),
        (PIECEWISE, r"a > 0 \text{이면 } y = 1, \text{ 아니면 } 0"),
        (r"\frac{1}{2} x", r"\frac{1}{2}  x"),
        (r"\frac{1}{2} x", ""),  # no word
        ("ReLU", "ReLU"),
        ("x must have shape ...", "x must have shape ..."),
        ("See :ref:`the loss <loss>`.", ":ref:`손실 <loss>` 참고."),
    ],
)
def test_a_right_translation_passes(text, translated):
    assert fault(text, translated) is None


@pytest.mark.parametrize(
    ("text", "translated", "found"),
    [
        ("The loss.", "", "no translation"),
        ("The loss.", " ", "no translation"),
        ("The loss.", "The loss.", "no translation"),
        ("The `loss`.", "`Loss`.", "other code"),
        ("The [loss](a.md#loss).", "[손실](a.md#los).", "links"),
        ("See :ref:`the loss <loss>`.", ":ref:`손실 <los>` 참고.", "links"),
        ("[loss]{#loss}", "[손실]{#los}", "links"),
        ("The **loss**.", "손실.", "strong words"),
        ("The weight $W$.", "가중치 $V$.", "formulas"),
        (r"\frac{x}{2} - y", r"\frac{y}{2} - x", "formulas"),
        (r"\frac{x}{2} - y", r"\frac{x}{3} - y", "formulas"),
        (PIECEWISE, r"a < 0 \text{이면 } y = 1, \text{ 아니면 } 0", "formulas"),
        ("Add 1e-6.", "1e-7을 더하세요.", "1e-6 is missing"),
    ],
)
def test_a_mistake_is_named(text, translated, found):
    assert found in fault(text, translated)


def test_a_text_without_an_entry_or_with_an_old_one_is_named():
    assert "no translation" in fault_of("The loss.", None)
    assert "older text" in fault("The loss.", "손실.", flags=["fuzzy"])
