"""Write the results of `pytest benchmarks` as a table and a chart, and as the table of each README.

`pytest benchmarks --fastnet-report DIR` measures, and leaves speed.md, speed.png and speed.json in DIR.
`python benchmarks/report.py DIR` writes the table of README.md and of its translations from speed.json.
"""

import datetime
import json
import re
import sys
from math import log
from pathlib import Path
from typing import NamedTuple

from fastnet._bench.timing import duration, is_loss, ratio

NAMES = {
    "textbook": "textbook",
    "numpy": "NumPy twin",
    "scipy": "SciPy",
    "torch": "PyTorch",
    "numba": "numba",
    "numexpr": "numexpr",
    "jax": "JAX",
    "sklearn": "scikit-learn",
}
GROWING = ", growing "
ROOT = Path(__file__).parents[1]
MARKERS = re.compile(r"(<!-- speed table: [^\n]* -->\n).*(<!-- end of the speed table -->)", re.DOTALL)
# The rows that the README shows: kernel, and what it was measured on.
SHOWN = {
    "sigmoid": ("float64, 10", "float32, 1,000", "float64, 100,000", "float32, 100,000", "float32, 3,000,000"),
    "sigmoid_grad": ("float64, 100,000", "float32, 100,000"),
    "tanh": ("float64, 100,000", "float32, 100,000"),
    "leaky_relu": ("float64, 10", "float64, 100,000"),
    "elu": ("float32, 100,000",),
    "softmax": ("float64, 1 x 10", "float64, 10,000 x 10", "float32, 10,000 x 10", "float64, 3,000 x 1,000",
                "float32, 3,000 x 1,000"),
    "cross_entropy_labels": ("float64, 1 x 10", "float64, 10,000 x 10", "float32, 10,000 x 10",
                             "float32, 300,000 x 10"),
    "cross_entropy_one_hot": ("float64, 10,000 x 10", "float32, 10,000 x 10"),
    "softmax_cross_entropy": ("float64, 10,000 x 10", "float32, 10,000 x 10"),
    "optimizer": ("SGD, 784 x 50, float32", "Adam, 784 x 50, float32"),
    "numerical_gradient": ("own cost per element",),
    "network": ("training step, batch 100, float32", "training step, batch 100, mixed",
                "accuracy of 60,000 images, float32", "numerical gradient, batch 100",
                "numerical gradient, 784-100-100-10, batch 100"),
}


class Language(NamedTuple):
    """The text around the numbers, in one language."""

    legend: str
    ours: dict[str, str]  # the legend's name for the implementation that the others are compared to
    losses: str  # the legend's end, if there are losses
    no_losses: str  # and if there are none
    bold: str  # the words for: losses are in bold
    measured: str
    words: dict[str, str]

    def translated(self, text):
        """Translate the parts of `text` between commas. Code and names are the same in every language."""
        return ", ".join(self.words.get(part, part) for part in text.split(", "))


ENGLISH = Language(
    legend=(
        "fastnet's time ({ours}), and how many times as long the others take: medians of interleaved rounds, on "
        "one thread. {result}"
    ),
    losses="fastnet loses {losses} of these {comparisons} comparisons, {marked}.",
    no_losses="fastnet loses none of these {comparisons} comparisons.",
    ours={"cython": "the compiled kernels", "numpy": "the NumPy twins, as nothing is compiled here"},
    bold="in bold",
    measured="Measured on {date}. {where}.",
    words={},
)
KOREAN = Language(
    legend=(
        "fastnet 열은 {ours}의 실행 시간이고, 나머지 열은 그 몇 배가 걸리는지를 나타냅니다. 모든 구현을 번갈아 여러 번 "
        "실행해 얻은 중앙값이며, 스레드 하나로 쟀습니다. {result}"
    ),
    losses="비교 {comparisons}건 가운데 fastnet이 진 것은 {losses}건이며, {marked} 표시했습니다.",
    no_losses="비교 {comparisons}건 가운데 fastnet이 진 것은 없습니다.",
    ours={"cython": "컴파일한 커널", "numpy": "NumPy 커널(컴파일된 것이 없음)"},
    bold="굵게",
    measured="{date}에 측정했습니다. {where}.",
    words={
        "textbook": "책의 코드", "NumPy twin": "NumPy 버전",
        "network": "신경망", "optimizer": "최적화 기법",
        "training step": "학습 한 단계", "numerical gradient": "수치 미분",
        "batch 100": "배치 100", "mixed": "float32와 float64 혼용",
        "accuracy of 60,000 images": "이미지 60,000장의 정확도", "own cost per element": "f의 계산을 뺀 원소당 시간",
        "processor": "프로세서", "instruction set": "명령어 집합", "backend": "백엔드", "1 thread": "스레드 1개",
    },
)
JAPANESE = Language(
    legend=(
        "fastnetの列は{ours}の実行時間、ほかの列はその何倍かかるかを表します。すべての実装を順番に何度も実行して得た中央値で、"
        "1スレッドで測りました。{result}"
    ),
    losses="{comparisons}件の比較のうち、fastnetが負けたのは{losses}件で、{marked}で示しています。",
    no_losses="{comparisons}件の比較のうち、fastnetが負けたものはありません。",
    ours={"cython": "コンパイルしたカーネル", "numpy": "何もコンパイルされていないためNumPy版のカーネル"},
    bold="太字",
    measured="{date}に測定しました。{where}。",
    words={
        "textbook": "本のコード", "NumPy twin": "NumPy版",
        "network": "ネットワーク", "optimizer": "最適化手法",
        "training step": "学習の1ステップ", "numerical gradient": "数値微分",
        "batch 100": "バッチ100", "mixed": "float32とfloat64の混在",
        "accuracy of 60,000 images": "画像60,000枚の認識精度",
        "own cost per element": "fの計算を除いた1要素あたりの時間",
        "processor": "プロセッサ", "instruction set": "命令セット", "backend": "バックエンド", "1 thread": "1スレッド",
    },
)
READMES = {"README.md": ENGLISH, "README.ko.md": KOREAN, "README.ja.md": JAPANESE}


class Report:
    """The measurements. A row is [kernel, what it was measured on, seconds by implementation]."""

    def __init__(self, rows=(), machine=None):
        self.rows = list(rows)
        self.machine = machine or {}

    def has(self, kernel, of):
        return any(row[:2] == [kernel, of] for row in self.rows)

    def add(self, kernel, of, seconds):
        self.rows.append([kernel, of, seconds])

    @property
    def ours(self):
        """The implementation that the others are compared to: the NumPy twins if the kernels are not compiled."""
        return "cython" if any("cython" in seconds for *_, seconds in self.rows) else "numpy"

    @property
    def comparisons(self):
        return [row for row in self.rows if GROWING not in row[0] and self.ours in row[2]]

    @property
    def growth(self):
        """For every kernel that was measured on growing sizes: {implementation: {size: seconds}}."""
        found = {}
        for kernel, size, seconds in self.rows:
            if GROWING in kernel:
                for name, value in seconds.items():
                    found.setdefault(kernel, {}).setdefault(name, {})[size] = value
        return found

    # --- the tables

    def ratios(self, rows, loss, language=ENGLISH):
        """Return rows of cells, the heading first. `loss` marks a ratio where fastnet is slower."""
        names = [name for name in NAMES if name != self.ours and any(name in seconds for *_, seconds in rows)]
        table = [["", "fastnet", *(language.translated(NAMES[name]) for name in names)]]
        for kernel, of, seconds in rows:
            cells = []
            for name in names:
                value = seconds.get(name, 0.0) / seconds[self.ours]
                cells.append("" if name not in seconds else loss(ratio(value)) if is_loss(value) else ratio(value))
            table.append([language.translated(f"{kernel}, {of}"), duration(seconds[self.ours]), *cells])
        return table

    def growths(self):
        """Return the same for `growth`: every time beside its size."""
        most = max(len(times) for of in self.growth.values() for times in of.values())
        table = [["", "", *["size: time"] * most, "power of the size"]]
        for kernel, of in self.growth.items():
            for name, times in of.items():
                cells = [f"{size:,}: {duration(value)}" for size, value in times.items()]
                cells += [""] * (most - len(cells)) + [f"{_power(times):.2f}" if len(times) > 1 else ""]
                table.append([kernel, NAMES.get(name, "fastnet"), *cells])
        return table

    def legend(self, rows, marked, language=ENGLISH):
        values = [seconds[name] / seconds[self.ours] for *_, seconds in rows for name in seconds if name != self.ours]
        losses = sum(map(is_loss, values))
        result = (language.losses if losses else language.no_losses).format(
            losses=losses, comparisons=len(values), marked=marked
        )
        return language.legend.format(ours=language.ours[self.ours], result=result)

    def where(self, language=ENGLISH):
        return "; ".join(": ".join(map(language.translated, fact)) for fact in self.machine.items())

    def text(self):
        rows, lines = self.comparisons, [self.where()]
        if rows:
            lines += [self.legend(rows, "marked !"), "", *_aligned(self.ratios(rows, "! {}".format))]
        if self.growth:
            lines += ["", *_aligned(self.growths())]
        return "\n".join(lines)

    def markdown(self, rows, growth=True, language=ENGLISH):
        lines = []
        if rows:
            table = self.ratios(rows, "**{}**".format, language)
            lines += [self.legend(rows, language.bold, language), "", *_piped(table), ""]
        if growth and self.growth:
            lines += [*_piped(self.growths()), ""]
        measured = language.measured.format(date=datetime.date.today(), where=self.where(language))
        return "\n".join([*lines, measured, ""])

    # --- files

    def write(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "speed.json").write_text(json.dumps({"rows": self.rows, "machine": self.machine}, indent=1))
        (folder / "speed.md").write_text(self.markdown(self.comparisons), encoding="utf-8")
        self.draw(folder / "speed.png")

    def draw(self, path):
        """Draw a panel for each kernel, and below them one for each thing that grows.

        The colours are Okabe and Ito's, which everybody can tell apart, and no two implementations share a marker.
        """
        from matplotlib.figure import Figure

        panels = {}
        for kernel, of, seconds in self.comparisons:
            panels.setdefault("network" if kernel == "numerical_gradient" else kernel, []).append((kernel, of, seconds))
        pairs = [list(panels.items())[i : i + 2] for i in range(0, len(panels), 2)]
        heights = [0.24 * max(len(rows) for _, rows in pair) + 0.8 for pair in pairs]
        parts = []
        if panels:
            parts.append((sum(heights) + 1, lambda part: self._draw_kernels(part, panels, heights)))
        if self.growth:
            parts.append((3.5, self._draw_growths))
        figure = Figure(figsize=(15, sum(height for height, _ in parts)), layout="constrained")
        subfigures = figure.subfigures(len(parts), 1, height_ratios=[height for height, _ in parts], squeeze=False)
        for subfigure, (_, draw) in zip(subfigures.flat, parts, strict=True):
            draw(subfigure)
        figure.savefig(path, dpi=80)

    def _draw_kernels(self, figure, panels, heights):
        axes = figure.subplots(len(heights), 2, squeeze=False, height_ratios=heights).flat
        for ax in axes[len(panels) :]:  # with an odd number of panels, one place stays empty
            ax.remove()
        handles = {}
        for (title, rows), ax in zip(panels.items(), axes, strict=False):
            handles |= self._draw_ratios(ax, title, rows)
        names = [name for name in NAMES if name in handles]
        figure.legend(
            [handles[name] for name in names], [NAMES[name] for name in names], ncols=len(names),
            loc="outside upper center",
            title="Time relative to fastnet. Left of 1 (shaded), fastnet is slower",
        )

    def _draw_growths(self, figure):
        axes = figure.subplots(1, len(self.growth), sharey=True, squeeze=False).flat
        for ax, (kernel, of) in zip(axes, self.growth.items(), strict=True):
            self._draw_growth(ax, kernel, of)
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=3, title="Seconds")

    def _draw_ratios(self, ax, title, rows):
        colours = ("#000000", "#999999", "#0072B2", "#D55E00", "#009E73", "#E69F00", "#56B4E9", "#CC79A7")
        handles = {}
        for name, colour, marker in zip(NAMES, colours, "osD^vPX*", strict=True):
            points = [
                (seconds[name] / seconds[self.ours], y)
                for y, (_, _, seconds) in enumerate(rows)
                if name in seconds and name != self.ours
            ]
            if points:
                handles[name], = ax.plot(*zip(*points, strict=True), marker, color=colour, markersize=7, alpha=0.85)
        ax.set_title(title, loc="left", fontweight="bold")
        ax.set_xscale("log")
        ax.set_yticks(range(len(rows)), [of if kernel == title else f"{kernel}: {of}" for kernel, of, _ in rows])
        ax.set_ylim(len(rows) - 0.5, -0.5)
        left, right = ax.get_xlim()
        left, right = min(left, 0.5), max(right, 2)
        ax.set_xlim(left, right)
        ax.axvline(1, color="black", linewidth=1.5)
        ax.axvspan(left, 1, color="#D55E00", alpha=0.12, linewidth=0)
        ax.grid(alpha=0.3)
        ax.xaxis.set_major_formatter("{x:,g}")
        return handles

    def _draw_growth(self, ax, kernel, of):
        styles = {"textbook": ("#000000", "o--"), "numpy": ("#999999", "s:"), "cython": ("#0072B2", "D-")}
        for name, times in of.items():
            colour, style = styles[name]
            ax.plot(list(times), list(times.values()), style, color=colour, label=NAMES.get(name, "fastnet"))
        ax.set_title(kernel, fontsize="medium", fontweight="bold")
        ax.set_xscale("log")
        ax.set_yscale("log")
        ax.set_xticks(list(times), [f"{size:,}" for size in times])
        ax.minorticks_off()
        ax.grid(alpha=0.3)


def _power(times):
    """Return p in time ~ size^p, from the smallest and the largest size: 1 if time is proportional to size."""
    first, *_, last = sorted(times)
    return log(times[last] / times[first]) / log(last / first)


def _aligned(table):
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return [
        "  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]).rstrip() for line in table
    ]


def _piped(table):
    heading, *lines = ["| " + " | ".join(line) + " |" for line in table]
    return [heading, "| --- |" + " ---: |" * (len(table[0]) - 1), *lines]


def main(folder):
    """Write the table of every README from the last measurements."""
    measured = Report(**json.loads((Path(folder) / "speed.json").read_text()))
    rows = [row for row in measured.comparisons if row[1] in SHOWN.get(row[0], ())]
    written = {}
    for name, language in READMES.items():
        table = measured.markdown(rows, growth=False, language=language)
        readme = (ROOT / name).read_text(encoding="utf-8")
        written[name], found = MARKERS.subn(lambda markers, table=table: f"{markers[1]}\n{table}\n{markers[2]}", readme)
        if found != 1:
            raise SystemExit(f"{name} has no place for the table: see MARKERS in benchmarks/report.py")
    for name, readme in written.items():
        (ROOT / name).write_text(readme, encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
