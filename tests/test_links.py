"""The check of the built documentation names what leads nowhere, and nothing else."""

import runpy
from pathlib import Path

import pytest

links = runpy.run_path(str(Path(__file__).parents[1] / "tools" / "links.py"))
broken, astray, untranslated = links["broken"], links["astray"], links["untranslated"]


@pytest.mark.parametrize(
    "link",
    ["ko/b.html", "ko/b.html#place", "#here", "#", "ko/%EA%B0%80.png", "?x=1", "https://example.org/x", "data:,x"],
)
def test_what_leads_somewhere_passes(tmp_path, link):
    (tmp_path / "ko").mkdir()
    (tmp_path / "ko" / "b.html").write_text('<p id="place"><a href="../a.html#here">up</a></p>', encoding="utf-8")
    (tmp_path / "ko" / "가.png").touch()
    (tmp_path / "a.html").write_text(f'<h1 id="here"><a href="{link}">x</a></h1>', encoding="utf-8")
    assert list(broken(tmp_path)) == []


def test_a_folder_without_pages_is_no_success(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.argv", ["links.py", str(tmp_path)])
    with pytest.raises(SystemExit, match="2"):
        links["main"]()


@pytest.mark.parametrize("link", ["c.html", "a.html#there", "#there", "../a.html", "ko/"])
@pytest.mark.parametrize("attribute", ["href", "src", "srcset"])
def test_what_leads_nowhere_is_named(tmp_path, link, attribute):
    (tmp_path / "a.html").write_text(f'<p id="here"><img {attribute}="{link}"></p>', encoding="utf-8")
    assert list(broken(tmp_path)) == [f"a.html: {link}"]


@pytest.mark.parametrize(
    ("translated", "named"),
    [
        (["b.html#one", "b.html#two"], []),
        (["../b.html#two", "../b.html#one", "#here", "c.html"], []),  # the English page, in another order
        (["b.html#two", "b.html#two"], ["b.html#one"]),
        (["b.html#one", "b.html#two", "c.html#one"], ["c.html#one"]),
    ],
)
def test_a_translation_that_leads_to_other_places_is_named(tmp_path, translated, named):
    for folder, links in (tmp_path, ["b.html#one", "b.html#two"]), (tmp_path / "ja", translated):
        folder.mkdir(exist_ok=True)
        (folder / "a.html").write_text("".join(f'<a href="{link}">x</a>' for link in links), encoding="utf-8")
    assert list(astray(tmp_path)) == [f"ja/a.html: {place} is linked in one language alone" for place in named]


@pytest.mark.parametrize(
    ("hint", "left"), [("The loss.", True), ("손실.", False), ("fastnet.Trainer", False), ("It&#x27;s 1 &lt; 2.", True)]
)
@pytest.mark.parametrize("attribute", ["title", "tooltip"])
def test_a_hint_that_is_left_in_english_is_named(tmp_path, attribute, hint, left):
    for folder, shown in (tmp_path, ["The loss.", "It's 1 < 2.", "fastnet.Trainer"]), (tmp_path / "ko", [hint]):
        folder.mkdir(exist_ok=True)
        text = "".join(f'<p {attribute}="{each}">x</p>' for each in shown)
        (folder / "a.html").write_text(text, encoding="utf-8")
    assert [line.partition(": ")[0] for line in untranslated(tmp_path)] == ["ko/a.html"] * left
