"""The labels in Korean and Japanese: none is forgotten, all can be drawn, and without a font they are English."""

import ast
import re
import string
import warnings
from pathlib import Path

import numpy as np
import pytest
from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.text import Text
from test_plotting import PICTURES

import fastnet.plotting
from fastnet import MultiLayerNet, plotting
from fastnet._languages import LANGUAGES
from fastnet.plotting._words import WORDS

TRANSLATED = LANGUAGES[1:]
SOURCES = sorted(Path(fastnet.plotting.__file__).parent.glob("*.py"))
NOTO = {"ko": "Noto Sans CJK KR", "ja": "Noto Sans CJK JP"}


class Sure:
    """A network that takes every image for the class 1."""

    def predict(self, x):
        return np.tile([0.25, 0.75], (len(x), 1))


def history(*values):
    return type("History", (), dict(zip(("train_loss_list", "train_acc_list", "test_acc_list", "evaluated_at",
                                         "validated_at", "val_acc_list", "val_loss_list"), values, strict=True)))()


# Beside one call of every function, those that lead to labels that seldom appear.
CALLS = [
    *((name, arguments, {}) for name, arguments in PICTURES.items()),
    ("plot_history", (history([1.0] * 200, [0.1], [0.2], [0], [0], [0.3], [2.0]),), {}),
    ("plot_misclassified", (Sure(), np.eye(4), [0, 0, 1, 1]), {"most": 1}),
    ("plot_misclassified", (Sure(), np.eye(4), [1, 1, 1, 1]), {}),
    ("plot_activation_histograms", ({"z1": [0.0, 0.0, 1.0, np.nan]},), {}),
    ("plot_optimizer_paths", (lambda x: x @ x, {"a": np.ones((500, 2)), "b": [[0.0, 0.0], [9.0, 9.0]]}, [1.0, 1.0]),
     {"xlim": (-1, 2), "ylim": (-1, 2)}),
    ("plot_graph", (MultiLayerNet(2, [], 2, weight_decay_lambda=0.1, seed=0), [1.0, -1.0], 0), {}),
    *(("plot_graph", (MultiLayerNet(2, [], 1, output=output, seed=0), [[1.0, -1.0]], [[1.0]]), {})
      for output in ("sigmoid", "sigmoid_mse", "identity")),
    ("plot_learning_rates", (lambda x: x[0] ** 2, [0.1, 1.1], -3.0), {}),
]  # fmt: skip
every_call = pytest.mark.parametrize(("name", "arguments", "more"), CALLS, ids=[name for name, _, _ in CALLS])
every_language = pytest.mark.parametrize("lang", TRANSLATED)

# What is the same in every language: names of the book's functions, and mathematics.
NAMES = {"sigmoid", "relu", "softmax", "dot", "SGD", "MNIST", "small", "large", "iteration", "Weight", "decay"}


def letters(lang):
    used = {letter for words in WORDS.values() for letter in words[TRANSLATED.index(lang)]}
    return "".join(sorted(used - {*string.printable}))


def texts(figure):
    return [text.get_text() for text in figure.findobj(Text) if text.get_text() and text.get_visible()]


def english(text):
    """The English words of a text, apart from names and from what stands between dollars."""
    return [word for word in re.findall("[A-Za-z]{3,}", re.sub(r"\$.*?\$", "", text)) if word not in NAMES]


@every_language
@every_call
def test_no_label_stays_english(ax, install, lang, name, arguments, more):
    install(NOTO[lang], letters(lang))
    getattr(plotting, name)(*arguments, **more, lang=lang, ax=ax)
    assert [text for text in texts(ax.figure) if english(text)] == []
    assert "".join(texts(ax.figure)) != "".join(texts(ax.figure)).encode("ascii", "ignore").decode()


def test_every_word_has_both_translations_with_the_same_fields():
    def fields(text):
        return sorted((name, spec) for _, name, spec, _ in string.Formatter().parse(text) if name)

    for words, translations in WORDS.items():
        assert len(translations) == len(TRANSLATED)
        for translation in translations:
            assert translation.strip()
            assert fields(translation) == fields(words)
            assert "$" not in translation, "mathtext does not take a letter from another font"


def calls(function):
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in function:
                yield path, node


def test_every_label_in_the_source_is_looked_up():
    # A literal that is written into a picture directly would stay English.
    written = {"title", "label", "xlabel", "ylabel", "s"}
    setters = {"set_title", "set_xlabel", "set_ylabel", "set_label", "suptitle", "text", "annotate"}
    for path, node in calls(setters | {"set", "plot", "bar", "colorbar", "legend", "stairs", "set_ticks"}):
        literals = [word.value for word in node.keywords if word.arg in written]
        literals += node.args if node.func.attr in setters else []
        found = [literal.value for literal in literals if isinstance(literal, ast.Constant)]
        found = [value for value in found if isinstance(value, str)]
        assert [value for value in found if english(value)] == [], f"{path.name}, line {node.lineno}"


def test_every_word_is_used_and_every_word_that_is_used_is_there():
    literals = {
        node.value
        for path in SOURCES
        if path.name != "_words.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert WORDS.keys() - literals == set()
    said = {node.args[0].value for _, node in calls({"say"}) if isinstance(node.args[0], ast.Constant)}
    said |= {node.args[0].value for _, node in calls({"title"}) if isinstance(node.args[0], ast.Constant)}
    assert said - WORDS.keys() == set()


@every_language
def test_everything_is_drawn_without_a_missing_letter(ax, install, lang):
    install(NOTO[lang], letters(lang))
    ax.figure.clear()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name, arguments in PICTURES.items():
            figure = Figure(layout="constrained")
            getattr(plotting, name)(*arguments, lang=lang, ax=figure.subplots())
            figure.draw_without_rendering()


@every_language
def test_the_fonts_of_this_machine_have_every_letter_or_one_warning_says_so(ax, lang):
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        plotting.plot_loss([1.0, 0.5], lang=lang, ax=ax)
        ax.figure.draw_without_rendering()
    assert ax.get_title() == ("Loss" if warned else WORDS["Loss"][TRANSLATED.index(lang)])
    assert len(warned) <= 1
    assert all(NOTO[lang] in str(warning.message) for warning in warned)


@every_language
def test_without_a_font_the_labels_are_english_and_one_warning_says_what_to_install(ax, draw, install, lang):  # noqa: ARG001
    with pytest.warns(UserWarning, match="so the labels are English: install a font, such as") as warned:
        plotting.plot_history([1.0, 0.5], [0.1], [0.2], [0], lang=lang, ax=ax)
    (warning,) = warned
    assert NOTO[lang] in str(warning.message)
    assert warning.filename == __file__
    assert (ax.get_title(), ax.get_xlabel()) == ("Training", "iteration")
    draw(ax.figure)


def test_a_font_with_only_some_letters_is_not_enough(ax, install):
    install("NanumGothic", letters("ko")[1:])
    with pytest.warns(UserWarning, match=f"the letters {letters('ko')[0]} "):
        plotting.plot_loss([1.0], lang="ko", ax=ax)
    assert ax.get_title() == "Loss"


def test_one_warning_tells_of_names_and_labels(ax, install):  # noqa: ARG001
    with pytest.warns(UserWarning, match="labels are English and boxes take their place") as warned:
        plotting.plot_loss([1.0], title="손실", lang="ja", ax=ax)
    assert len(warned) == 1


def test_without_lang_or_with_english_no_font_is_needed(ax, install):  # noqa: ARG001
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert plotting.plot_loss([1.0], ax=ax).get_title() == "Loss"
        assert plotting.plot_loss([1.0], lang="en", ax=ax).get_title() == "Loss"


def test_the_callers_title_is_not_translated(ax, install):
    install(NOTO["ko"], letters("ko"))
    assert plotting.plot_loss([1.0], title="Loss", lang="ko", ax=ax).get_title() == "Loss"
    assert ax.get_ylabel() == WORDS["loss of the mini-batch"][0]


@every_language
def test_chinese_characters_have_the_shapes_of_the_language(ax, install, lang):
    for family in NOTO.values():
        install(family, letters("ko") + letters("ja"))
    families = plotting.plot_loss([1.0], lang=lang, ax=ax).title.get_fontfamily()
    assert next(family for family in families if family.startswith("Noto")) == NOTO[lang]


def test_numbers_keep_matplotlibs_font_with_its_minus_sign(ax, draw, install):
    install(NOTO["ja"], letters("ja"))
    plotting.plot_activations("tanh", lang="ja", ax=ax)
    assert ax.get_xticklabels()[0].get_fontfamily()[0] == font_manager.FontProperties().get_family()[0]
    draw(ax.figure)


@pytest.mark.parametrize("lang", ["fr", "KO", "korean", "", 3, ["ko"], np.array(["ko", "ja"])])
@pytest.mark.parametrize("name", PICTURES)
def test_another_language_is_refused(ax, name, lang):
    with pytest.raises(ValueError, match=re.escape(f'lang must be "en", "ko" or "ja", got {lang!r}')):
        getattr(plotting, name)(*PICTURES[name], lang=lang, ax=ax)
