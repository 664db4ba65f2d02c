"""Speed comparisons: what is compared agrees, runs in turn and is told truly. No time is asserted anywhere."""

import importlib.util
import json
import re
import statistics
from operator import attrgetter
from pathlib import Path

import numpy as np
import pytest
from cases import KERNELS
from conftest import kernel_module

import fastnet
from fastnet import TwoLayerNet, _backend
from fastnet._bench import plain, timing
from fastnet._bench.timing import Contender
from fastnet.cli import main

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def hasty(monkeypatch):
    """One call a sample, and as few of them as there may be."""
    monkeypatch.setattr(timing, "SAMPLE", 0.0)
    monkeypatch.setattr(timing, "LEAST_ROUNDS", 1)


@pytest.fixture
def bench(capsys):
    """Run `fastnet bench` in this process: its exit status, standard output and standard error."""

    def command(*arguments):
        try:
            status = main(["bench", *arguments])
        except SystemExit as stop:  # argparse's way
            status = stop.code
        return status, *capsys.readouterr()

    return command


@pytest.fixture
def uncompiled(monkeypatch):
    """A fastnet whose kernels were not built."""

    def load(name):
        if name == "numpy":
            return fastnet._kernels_numpy
        raise ImportError("fastnet's compiled kernels are not built.")

    with fastnet.use_backend("numpy"), monkeypatch.context() as patch:
        patch.setattr(_backend, "_load", load)
        yield


# --- fastnet bench ---------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("backend", "hasty")
def test_bench_prints_the_machine_and_a_line_for_each_comparison(bench):
    kernel_module("cython")
    before = fastnet.get_backend()
    status, out, err = bench("--seconds", "1e-9")
    assert (status, err) == (0, "")
    assert fastnet.get_backend() == before
    machine, explanation, _, heading, *rows = out.splitlines()
    for fact in ("processor: ", "backend: cython", f"instruction set: {kernel_module('cython').instruction_set()}",
                 f"NumPy: {np.__version__}", "BLAS: "):
        assert fact in machine
    assert "2 threads" not in machine
    assert "Below 1, fastnet loses" in explanation
    assert heading.split() == ["textbook", "NumPy", "twin", "compiled"]
    rows, (empty, note) = rows[:-2], rows[-2:]
    assert [row.partition(",")[0] for row in rows[:3]] == ["sigmoid", "softmax", "cross-entropy of labels"]
    assert empty == ""
    assert note.startswith("* ")
    assert sum("training step" in row for row in rows) == 2
    assert "numerical gradient of that network *" in rows[-1]
    for row in rows:
        numbers = row.partition("  loses to ")[0].split()[-8:]
        assert {numbers[1], numbers[4], numbers[7]} <= {"s", "ms", "µs", "ns"}, row
        lost = [float(numbers[i].replace(",", "")) < 1 for i in (2, 5)]
        assert ("loses to " in row) == any(lost), row
        assert [name in row for name in ("textbook", "NumPy twin")] == lost, row


@pytest.mark.usefixtures("uncompiled", "hasty")
def test_without_compiled_kernels_bench_says_so_and_compares_the_others(bench):
    status, out, err = bench("--seconds", "1e-9")
    assert (status, err) == (0, "")
    assert "No compiled kernels run here" in out
    assert "how many times as long as NumPy twin" in out
    heading = next(line for line in out.splitlines() if line.strip().startswith("textbook"))
    assert heading.split() == ["textbook", "NumPy", "twin"]


@pytest.mark.usefixtures("hasty")
def test_where_results_differ_bench_stops_in_one_line_and_times_nothing(bench, monkeypatch):
    monkeypatch.setattr(plain, "sigmoid", lambda x: x)
    monkeypatch.setattr(timing, "medians", lambda *_: pytest.fail("timed what differs"))
    status, _, err = bench()
    assert status == 1
    assert err.startswith("fastnet bench: error: sigmoid, float64, 10 elements: the results differ")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--seconds", "0"], "--seconds: must be a finite number above 0, got '0'"),
        (["--seconds", "nan"], "--seconds: must be a finite number above 0, got 'nan'"),
        (["--seconds", "soon"], "--seconds: must be a finite number above 0, got 'soon'"),
        (["--second"], "--seconds: expected one argument"),
        (["sigmoid"], "unrecognized arguments: sigmoid"),
    ],
)
def test_what_was_mistyped_is_one_line(bench, arguments, complaint):
    status, out, err = bench(*arguments)
    assert (status, out) == (2, "")
    assert complaint in err
    assert err.count("\n") == 1


# --- the timer -------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("hasty")
def test_contenders_are_timed_in_rounds_and_in_every_order(monkeypatch):
    monkeypatch.setattr(timing, "LEAST_ROUNDS", 30)
    calls = []
    timing.medians({name: Contender(lambda name=name: calls.append(name)) for name in "abc"}, 1e-9)
    first, *rounds = ("".join(calls[i : i + 3]) for i in range(0, len(calls), 3))
    assert first == "abc"  # to see how long a call takes
    assert len(rounds) == 30
    assert set(rounds) == {"abc", "acb", "bac", "bca", "cab", "cba"}


def test_a_time_is_the_median_of_one_call_and_of_all_the_work(monkeypatch):
    class Timer:
        """1, 2, 3, ... ms for every call, and then the clock runs on."""

        def __init__(self, call, timer):
            assert timer is timing.CLOCK
            self.call = call
            self.now = 0

        def timeit(self, calls):
            self.now += 1
            samples[self.call].append(calls)
            return self.now * calls * 1e-3

    samples = {"whole": [], "tenth": []}
    monkeypatch.setattr("timeit.Timer", Timer)
    monkeypatch.setattr(timing, "SAMPLE", 3.5e-3)
    monkeypatch.setattr(timing, "LEAST_ROUNDS", 5)
    times = timing.medians({"a": Contender("whole"), "b": Contender("tenth", share=0.1)}, 1e-9)
    assert samples == {name: [1, 2, *5 * [2]] for name in samples}  # 1 ms is too short, 2 calls of 2 ms are not
    median = statistics.median([3, 4, 5, 6, 7]) * 1e-3
    assert times == pytest.approx({"a": median, "b": 10 * median}, rel=1e-12)


def test_a_contender_runs_on_its_backend_and_no_other(backend):
    found = timing.twins(lambda: fastnet.get_backend)
    assert "numpy" in found
    for name, contender in found.items():
        with contender.running():
            assert contender.call() == name
    assert fastnet.get_backend() == backend


# --- agreement -------------------------------------------------------------------------------------------------------


def test_a_contender_that_differs_is_named():
    contenders = {"a": Contender(lambda: 1.0), "b": Contender(lambda: 1.0 + 1e-9), "c": Contender(lambda: 2.0)}
    with pytest.raises(AssertionError, match=r"\bb\b"):
        timing.check(contenders, 1e-10, 0)
    with pytest.raises(AssertionError, match=r"\bc\b"):
        timing.check(contenders, 1e-6, 0)
    timing.check(contenders, 1e-6, 0, names=["b"])
    with pytest.raises(AssertionError):
        timing.check(contenders, 1e-6, 0, names=["c"])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("textbook", [each for kernel in KERNELS for each in kernel.textbook], ids=attrgetter("name"))
def test_the_textbooks_formula_is_what_fastnet_computes(textbook, dtype):
    contenders = textbook.contenders(*textbook.arguments((40, 3) if textbook.of_rows else (120,), dtype))
    eps = np.finfo(dtype).eps
    # A few roundings, of sums too; the textbook's 1 - sigmoid(x) and 1 - tanh(x)^2 are off by a rounding of 1.
    timing.check(contenders, 20 * eps, 4 * eps)


def test_every_array_of_a_result_is_compared():
    first, other = {"W": np.ones(2), "b": np.zeros(2)}, {"W": np.ones(2), "b": np.array([0.0, 1.0])}
    contenders = {"a": Contender(lambda: first), "b": Contender(lambda: None, read=lambda _: other)}
    with pytest.raises(AssertionError, match="b b"):
        timing.check(contenders, 0, 0.5)


def test_what_is_expected_does_not_change_with_the_array_it_was_read_from():
    x = np.zeros(1)

    def move():
        x[:] += 1
        return x

    with pytest.raises(AssertionError):
        timing.check({"a": Contender(move), "b": Contender(move)}, 0, 0)


@pytest.mark.parametrize("shape", [(6, 5, 4, 3), (1, 1, 2, 1), (40, 30, 3, 2)])
def test_the_sampled_loop_agrees_with_the_network_and_leaves_it_alone(shape):
    D, H, C, N = shape
    network = TwoLayerNet(D, H, C, weight_init_std=1.0, seed=0)
    before = {name: param.copy() for name, param in network.params.items()}
    random = np.random.default_rng(0)
    contenders = timing.network_gradient(network, random.random((N, D)), random.integers(C, size=N))
    timing.check(contenders, 0, 1e-9)
    parameters = sum(param.size for param in before.values())
    assert contenders["textbook"].share == timing.SAMPLED / parameters
    assert all(np.array_equal(network.params[name], value) for name, value in before.items())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_contender_trains_a_network_of_its_own(dtype):
    random = np.random.default_rng(0)
    x, t = random.random((7, 12)).astype(np.float32), np.eye(3)[random.integers(3, size=7)]
    contenders = timing.training_step(x, t, dtype)
    for _ in range(3):  # the third step starts where the second has ended
        timing.check(contenders, 0, 100 * np.finfo(dtype).eps)


# --- how it is told --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(1234.5, "1,234 s"), (12.34, "12.3 s"), (1.0, "1.00 s"), (0.999, "999 ms"), (2.5e-6, "2.50 µs"),
     (7.2e-8, "72.0 ns"), (0.0, "0.00 ns")],
)
def test_a_duration_has_three_digits_and_the_unit_that_suits_it(seconds, text):
    assert timing.duration(seconds) == text


@pytest.mark.parametrize(
    ("value", "text", "loss"),
    [(0.8, "0.80", True), (0.994, "0.99", True), (0.996, "1.00", False), (1.0, "1.00", False), (12.34, "12.3", False),
     (2900.4, "2,900", False)],
)
def test_a_ratio_is_a_loss_where_what_is_shown_is_below_1(value, text, loss):
    assert (timing.ratio(value), timing.is_loss(value)) == (text, loss)


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


def test_without_compiled_kernels_the_report_compares_with_the_numpy_twins(report):
    rows = [[*row, {name: value for name, value in seconds.items() if name != "cython"}] for *row, seconds in ROWS]
    measured = report.Report(rows)
    assert "nothing is compiled here" in measured.text()
    assert "fastnet loses 3 of these 3 comparisons" in measured.text()


@pytest.mark.parametrize("rows", [ROWS, ROWS[:1], ROWS[1:3], ROWS[2:]])
def test_whatever_part_of_the_benchmarks_ran_is_told_and_drawn(report, rows, tmp_path):
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
    names += [*report.NAMES.values(), *timing.machine(), "1 thread"]
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
