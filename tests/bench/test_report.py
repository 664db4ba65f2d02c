"""benchmarks/report.py: ratios, growth and losses are told truly, and the READMEs take them over."""

import importlib.util
import json
import re
from pathlib import Path

import effort
import pytest

from fastnet._bench.machine import machine

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def report():
    spec = importlib.util.spec_from_file_location("report", BENCHMARKS / "report.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


ROWS = [
    ["sigmoid", "float64, 10", {"textbook": 3e-6, "numpy": 4e-6, "cython": 2e-6, "scipy": 1e-6}],
    ["network", "training step, batch 100, float32", {"textbook": 2.5e-4, "numpy": 4e-4, "cython": 2e-4}],
    ["an epoch, growing images", 1000, {"textbook": 1e-2, "cython": 1e-3}],
    ["an epoch, growing images", 4000, {"textbook": 16e-2, "cython": 4e-3}],
]


def test_the_report_shows_ratios_losses_and_growth(report):
    measured = report.Report(ROWS, {"processor": "abacus"})
    text = measured.text()
    assert "processor: abacus" in text
    assert "fastnet loses 1 of these 5 comparisons" in text
    (sigmoid,) = [line.split() for line in text.splitlines() if line.startswith("sigmoid")]
    assert sigmoid == ["sigmoid,", "float64,", "10", "2.00", "µs", "1.50", "2.00", "!", "0.50"]
    assert [line.split()[-1] for line in text.splitlines() if "growing" in line] == ["2.00", "1.00"]
    assert "| sigmoid, float64, 10 | 2.00 µs | 1.50 | 2.00 | **0.50** |" in measured.markdown(measured.comparisons)


def test_where_nothing_is_lost_the_report_speaks_of_no_mark(report):
    measured = report.Report(ROWS[1:])
    assert "fastnet loses none of these 2 comparisons." in measured.text()
    assert "bold" not in measured.markdown(measured.comparisons)


def test_without_compiled_kernels_the_report_compares_with_the_numpy_twins(report):
    rows = [[*row, {name: value for name, value in seconds.items() if name != "cython"}] for *row, seconds in ROWS]
    measured = report.Report(rows)
    assert "nothing is compiled here" in measured.text()
    assert "fastnet loses 3 of these 3 comparisons" in measured.text()


@pytest.mark.parametrize("rows", [ROWS, ROWS[:1], ROWS[1:3], ROWS[2:]])
def test_whatever_part_of_the_benchmarks_ran_is_told_and_drawn(report, rows, tmp_path, request):
    if not effort.FULL:
        request.getfixturevalue("unpainted")
    measured = report.Report(rows, {"processor": "abacus"})
    measured.write(tmp_path)
    assert measured.text()


def test_a_report_is_written_as_a_table_as_data_and_as_a_chart(report, tmp_path):
    from PIL import Image

    report.Report(ROWS, {"processor": "abacus"}).write(tmp_path / "new" / "folder")
    assert json.loads((tmp_path / "new/folder/speed.json").read_text())["rows"] == ROWS
    assert "abacus" in (tmp_path / "new/folder/speed.md").read_text(encoding="utf-8")
    with Image.open(tmp_path / "new/folder/speed.png") as picture:
        assert picture.format == "PNG"


# --- the table of the README, in its languages -----------------------------------------------------------------------


@pytest.fixture
def readmes(report, tmp_path, monkeypatch):
    """What stands in for the READMEs, with a table in which nothing is right; and the folder of a measurement."""
    monkeypatch.setattr(report, "ROOT", tmp_path)
    for name in report.READMES:
        (tmp_path / name).write_text(
            "before\n<!-- speed table: a command -->\nobsolete\n<!-- end of the speed table -->\nafter\n"
        )
    measured = {"rows": ROWS, "machine": {"processor": "abacus", "BLAS": "openblas 0.3 (Zen), 1 thread"}}
    (tmp_path / "speed.json").write_text(json.dumps(measured))
    return {name: tmp_path / name for name in report.READMES}, tmp_path


def test_the_readme_takes_its_table_from_a_report_in_every_language(report, readmes):
    paths, folder = readmes
    report.main(folder)
    report.main(folder)  # again, into what the first has written
    expected = {
        "README.md": (
            "fastnet loses 1 of these 5 comparisons, in bold.",
            "|  | fastnet | textbook | NumPy twin | SciPy |",
            "| network, training step, batch 100, float32 | 200 µs | 1.25 | 2.00 |  |",
            "processor: abacus; BLAS: openblas 0.3 (Zen), 1 thread.\n",
        ),
        "README.ko.md": (
            "비교 5건 가운데 fastnet이 진 것은 1건이며, 굵게 표시했습니다.",
            "|  | fastnet | 책의 코드 | NumPy 버전 | SciPy |",
            "| 신경망, 학습 한 단계, 배치 100, float32 | 200 µs | 1.25 | 2.00 |  |",
            "프로세서: abacus; BLAS: openblas 0.3 (Zen), 스레드 1개.\n",
        ),
        "README.ja.md": (
            "5件の比較のうち、fastnetが負けたのは1件で、太字で示しています。",
            "|  | fastnet | 本のコード | NumPy版 | SciPy |",
            "| ネットワーク, 学習の1ステップ, バッチ100, float32 | 200 µs | 1.25 | 2.00 |  |",
            "プロセッサ: abacus; BLAS: openblas 0.3 (Zen), 1スレッド。\n",
        ),
    }
    assert expected.keys() == paths.keys()
    for name, path in paths.items():
        written = path.read_text(encoding="utf-8")
        assert written.startswith("before\n<!-- speed table: a command -->\n\n")
        assert written.endswith("\n\n<!-- end of the speed table -->\nafter\n")
        assert "obsolete" not in written
        for text in (*expected[name], "| sigmoid, float64, 10 | 2.00 µs | 1.50 | 2.00 | **0.50** |\n"):
            assert written.count(text) == 1, (name, text)


def test_where_one_readme_has_no_place_for_the_table_none_is_written(report, readmes):
    paths, folder = readmes
    paths["README.ja.md"].write_text("no table here")
    before = {name: path.read_text() for name, path in paths.items()}
    with pytest.raises(SystemExit, match=r"README\.ja\.md has no place"):
        report.main(folder)
    assert {name: path.read_text() for name, path in paths.items()} == before


@pytest.mark.parametrize("name", ["README.ko.md", "README.ja.md"])
def test_every_english_word_of_the_table_is_translated(report, name):
    names = [part for kernel, of in report.SHOWN.items() for text in of for part in f"{kernel}, {text}".split(", ")]
    names += [*report.NAMES.values(), *machine(), "1 thread"]
    same = re.compile(  # code, numbers and proper names
        r"[a-z_]+_[a-z_]+|sigmoid|tanh|elu|softmax|SGD|Adam|float(32|64)|[\dx ,-]+|SciPy|PyTorch|numba|numexpr|JAX|"
        r"scikit-learn|Python|NumPy|BLAS"
    )
    assert set(report.READMES[name].words) == {text for text in names if not same.fullmatch(text)}


def test_every_readme_has_a_place_for_the_table(report):
    for name in report.READMES:
        assert len(report.MARKERS.findall((report.ROOT / name).read_text(encoding="utf-8"))) == 1, name


@pytest.mark.parametrize("name", ["README.ko.md", "README.ja.md"])
def test_the_table_is_the_english_one_translated(report, name):
    def table(of):
        text = report.MARKERS.search((report.ROOT / of).read_text(encoding="utf-8"))[0]
        return [line.strip("|").split("|") for line in text.splitlines() if line.startswith("|")]

    translated = report.READMES[name].translated
    expected = [[f" {translated(cell.strip())} " for cell in row] for row in table("README.md")]
    assert table(name) == expected
