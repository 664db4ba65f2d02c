"""Names in Hangul, Kana and Han: the font that is found for them, and the one warning where there is none.

The fonts are made here, with a filled square for every letter they have.
"""

import warnings

import pytest
from matplotlib import font_manager

from fastnet import plotting
from fastnet.plotting._lettering import BOX

HANGUL, KANA, HAN = "손실정확도", "ひらがなカタカナ", "損失誤差"


def test_without_a_font_one_warning_names_the_one_to_install(ax, draw, install):  # noqa: ARG001
    with pytest.warns(UserWarning, match="no installed font has") as warned:
        plotting.plot_confusion_matrix([0, 1], [0, 1], classes=["정답", "오답"], title="손실", ax=ax)
    (warning,) = warned
    message = str(warning.message)
    assert "Hangul" in message
    assert "Noto Sans CJK KR" in message
    assert "JP" not in message
    assert all(letter in message for letter in "정답오손실")
    assert "fontlist" in message
    assert warning.filename == __file__
    draw(ax.figure)


@pytest.mark.parametrize(
    ("name", "script", "font"),
    [
        ("손실", "Hangul", "Noto Sans CJK KR"),
        ("カタカナ", "Kana", "Noto Sans CJK JP"),
        ("損失", "Han", "Noto Sans CJK JP"),
        ("損失のカーブ", "Kana, Han", "Noto Sans CJK JP"),
        ("손실と損失", "Hangul, Kana, Han", "Noto Sans CJK KR and Noto Sans CJK JP"),
        ("\U000131a3", None, "one that has them"),  # an Egyptian hieroglyph
    ],
)
def test_the_warning_names_the_script_and_the_font_for_it(ax, install, name, script, font):  # noqa: ARG001
    with pytest.warns(UserWarning, match=f"such as {font}, delete") as warned:
        plotting.plot_loss([1.0], title=name, ax=ax)
    assert (f"({script})" in str(warned[0].message)) == (script is not None)


def test_boxes_stand_for_the_letters_and_the_rest_is_kept(ax, draw, install):  # noqa: ARG001
    with pytest.warns(UserWarning, match="no installed font has"):
        plotting.plot_loss([1.0], title="Loss (손실) é", ax=ax)
    assert ax.get_title() == f"Loss ({BOX}{BOX}) é"
    draw(ax.figure)


NAMED = {
    "plot_activation_histograms": (({HANGUL: [0.5, 1.0]},), {}),
    "plot_activations": (({HANGUL: "relu"},), {}),
    "plot_confusion_matrix": (([0, 1], [0, 0]), {"classes": [HANGUL, KANA]}),
    "plot_misclassified": ((type("Net", (), {"predict": lambda _, x: 1 - x})(), [[1, 0]] * 2, [0, 1]),
                           {"classes": [HANGUL, KANA], "shape": (1, 2)}),
    "plot_optimizer_paths": ((lambda x: x @ x, {HANGUL: [[1.0, 1.0], [0.0, 0.0]]}, [1, 1]), {}),
    "plot_predictions": (([[1, 0]], [1], [0]), {"classes": [HANGUL, KANA], "shape": (1, 2)}),
}  # fmt: skip


@pytest.mark.parametrize("name", NAMED)
def test_every_kind_of_name_is_looked_at(ax, draw, install, name):  # noqa: ARG001
    arguments, more = NAMED[name]
    with pytest.warns(UserWarning, match="no installed font has") as warned:
        getattr(plotting, name)(*arguments, **more, ax=ax)
    assert len(warned) == 1
    assert "Hangul" in str(warned[0].message)
    draw(ax.figure)


@pytest.mark.parametrize("name", NAMED)
def test_with_a_font_every_kind_of_name_is_drawn_in_it(ax, draw, install, name):
    install("Noto Sans CJK JP", HANGUL + KANA + HAN)
    arguments, more = NAMED[name]
    getattr(plotting, name)(*arguments, **more, title=HAN, ax=ax)
    assert ax.get_title() == HAN
    draw(ax.figure)


@pytest.mark.parametrize("name", ["plot_loss", "plot_history", "plot_accuracy", "plot_gradient_field", "plot_weights"])
def test_titles_are_drawn_in_an_installed_font(ax, draw, install, name):
    install("NanumGothic", HANGUL)
    arguments = {
        "plot_loss": ([1.0, 0.5],),
        "plot_history": ([1.0], [0.1], [0.1], [0]),
        "plot_accuracy": ([0], [0.1], [0.1]),
        "plot_gradient_field": (lambda x: x @ x,),
        "plot_weights": ([[1.0], [2.0], [3.0], [4.0]],),
    }[name]
    getattr(plotting, name)(*arguments, title=HANGUL, ax=ax)
    draw(ax.figure)
    assert ax.title.get_fontfamily()[-1] == "NanumGothic"


def test_labels_that_are_set_later_are_drawn_in_the_font_too(ax, draw, install):
    install("Noto Sans CJK KR", HANGUL)
    plotting.plot_loss([1.0, 0.5], ax=ax)
    ax.set(title=HANGUL, xlabel=HANGUL, ylabel=HANGUL)
    ax.set_xticks(range(30), [HANGUL] * 30)  # more than there were
    draw(ax.figure)


def test_a_font_that_is_not_in_the_list_is_found_by_its_letters(ax, draw, install):
    install("An Unheard-of Font", HANGUL)
    plotting.plot_loss([1.0], title=HANGUL, ax=ax)
    assert ax.title.get_fontfamily()[-1] == "An Unheard-of Font"
    draw(ax.figure)


def test_two_scripts_may_take_two_fonts(ax, draw, install):
    install("NanumGothic", HANGUL)
    install("IPAexGothic", KANA + HAN)
    plotting.plot_loss([1.0], title=HANGUL + KANA + HAN, ax=ax)
    assert set(ax.title.get_fontfamily()) >= {"NanumGothic", "IPAexGothic"}
    draw(ax.figure)


def test_chinese_characters_take_the_shapes_of_the_language_they_stand_in(ax, install):
    install("Noto Sans CJK KR", HANGUL + KANA + HAN)
    install("Noto Sans CJK JP", HANGUL + KANA + HAN)

    def first(title):
        families = plotting.plot_loss([1.0], title=title, ax=ax).title.get_fontfamily()
        ax.clear()
        return next(family for family in families if family.startswith("Noto"))

    assert first("損失のカーブ"[:3]) == "Noto Sans CJK JP"
    assert first("損失") == "Noto Sans CJK JP"
    assert first("손실(損失)") == "Noto Sans CJK KR"


def test_letters_that_only_one_of_two_fonts_lacks_are_found_in_the_other(ax, draw, install):
    install("NanumGothic", "손")  # the first that is thought of, but it has not all of them
    install("Another Font", HANGUL)
    plotting.plot_loss([1.0], title=HANGUL, ax=ax)
    draw(ax.figure)


def test_a_font_that_has_been_removed_meanwhile_is_passed_over(ax, install, tmp_path):
    install("Removed", HANGUL)
    for path in tmp_path.glob("*.ttf"):
        path.unlink()
    with pytest.warns(UserWarning, match="Noto Sans CJK KR"):
        plotting.plot_loss([1.0], title=HANGUL, ax=ax)


def test_text_that_needs_no_other_font_is_left_to_matplotlib(ax, draw, install):  # noqa: ARG001
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plotting.plot_loss([1.0], title="naïve Größe, $\\alpha$: потери", ax=ax)  # which DejaVu Sans has
        draw(ax.figure)
    assert ax.get_title() == "naïve Größe, $\\alpha$: потери"
    assert ax.title.get_fontfamily() == font_manager.FontProperties().get_family()


def test_text_with_a_font_of_the_callers_keeps_it(ax, install):
    install("NanumGothic", HANGUL)
    mine = ax.text(0, 0, "mine", family="DejaVu Serif")
    plotting.plot_loss([1.0], ax=ax)
    assert mine.get_fontfamily() == ["DejaVu Serif"]
