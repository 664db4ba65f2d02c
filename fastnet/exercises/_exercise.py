"""An exercise: what is asked, and what happens to an answer when it is tried."""

import copy
import inspect
import warnings
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from fastnet.exercises import _diagnosis
from fastnet.exercises._diagnosis import same

Answer = Callable[..., Any]  # a reader's function or class
Outputs = dict[str, Any]  # what an answer gave, by how the reader writes it: "layer.forward(x)"
Judge = Callable[..., str | None]  # (outputs, *arguments): what is wrong, or None


class Trial(NamedTuple):
    """Arguments to try an answer on, and what is special about them: "a batch", "large numbers"."""

    kind: str
    arguments: tuple[Any, ...]


def trials(kind: str, *arguments: Any) -> list[Trial]:
    """Trials of one kind. Each item of `arguments` is one argument, or a tuple of them."""
    return [Trial(kind, item if isinstance(item, tuple) else (item,)) for item in arguments]


def kept(value: Any) -> Any:
    """A copy of what an answer gave, since a later call may change it. A generator cannot be copied."""
    if type(value) is dict:
        return {key: kept(item) for key, item in value.items()}
    return value if isinstance(value, Generator) else copy.deepcopy(value)


class Outcome(NamedTuple):
    """What came of one trial."""

    outputs: Outputs
    error: Exception | None
    changed: list[str]  # the arguments that the answer has written to


class Report:
    """What `check` says of an answer. It is true if the answer is right, and prints as text.

    Attributes
    ----------
    problem : str
        What is wrong, or empty.
    mistake : str
        The typical mistake that gives just these results, or empty if there is none that is known.
    example : str
        The smallest input that shows it, as code, or empty.
    kind : str
        What is special about that input, such as "a batch", or empty.
    """

    def __init__(
        self,
        name: str,
        tried: str = "",
        problem: str = "",
        mistake: str = "",
        example: str = "",
        kind: str = "",
        works: Sequence[str] = (),
    ) -> None:
        self.name, self.tried = name, tried
        self.problem, self.mistake, self.example, self.kind, self.works = problem, mistake, example, kind, list(works)

    def __bool__(self) -> bool:
        return not self.problem

    def __str__(self) -> str:
        if self:
            return f"{self.name}: right. {self.tried}."
        lines = [f"{self.name}: not yet.", f"  {self.problem}"]
        if self.mistake:
            lines.append(f"  Look here: {self.mistake}.")
        if self.example:
            shown = self.example.replace("\n", "\n    ")
            lines.append(f"  The smallest input that shows it ({self.kind}):\n    {shown}")
        if self.works:
            lines.append(f"  Already right: {', '.join(self.works)}.")
        return "\n".join(lines)

    __repr__ = __str__


class Exercise:
    """An exercise, as a function: `exercise(answer)` tries the answer and returns a `Report`.

    Parameters
    ----------
    call : str
        How the answer is called: "softmax(x)".
    task : str
        What is asked, in one paragraph.
    right : callable
        A right answer. A reader never sees it.
    trials : list of Trial
        The inputs, from the smallest to the largest within each kind.
    mistakes : dict
        Typical mistakes: what to say, and an answer that makes the mistake. It is named if all outcomes of the reader's
        answer are its outcomes.
    run : callable, optional
        What is done with an answer: `run(answer, *arguments)` returns what it gave. By default, the answer is called.
    judge : callable, optional
        Decides instead of the comparison with `right`, for answers that draw random numbers.
    writes : tuple of str
        The arguments that the answer is asked to change.
    tolerance : float
        The relative error that is allowed.
    """

    def __init__(
        self,
        call: str,
        task: str,
        right: Answer,
        trials: Sequence[Trial],
        *,
        mistakes: Mapping[str, Answer] | None = None,
        run: Callable[..., Outputs] | None = None,
        judge: Judge | None = None,
        writes: Sequence[str] = (),
        tolerance: float = 1e-6,
    ) -> None:
        self.call, self.task = call, " ".join(task.split())
        self.name = self.__name__ = call.partition("(")[0]
        self.parameters = [name for name in call.partition("(")[2].rstrip(")").split(", ") if name]
        self.__doc__ = f"{call}\n\n{self.task}"
        self._right, self._trials, self._mistakes = right, list(trials), dict(mistakes or {})
        self._run, self._judge, self._writes = run or self._called, judge, writes
        self._tolerance = tolerance

    def __repr__(self) -> str:
        return f"{self.call}\n  {self.task}"

    def __call__(self, answer: Answer) -> Report:
        """Try an answer.

        Parameters
        ----------
        answer : callable
            The reader's function or class.

        Returns
        -------
        Report
            True if the answer is right. It prints what is wrong, and the smallest input that shows it.

        Raises
        ------
        TypeError
            If `answer` cannot be called.
        """
        if not callable(answer):
            given = "the result of a call" if not isinstance(answer, str) else "a string"
            raise TypeError(
                f"answer must be a function or a class, not {type(answer).__name__}: write check.{self.name}(name), "
                f"with its name alone (you gave {given})"
            )
        outcomes = [self._try(answer, trial) for trial in self._trials]
        problems = [self._problem(outcome, trial) for outcome, trial in zip(outcomes, self._trials, strict=True)]
        wrong = [number for number, problem in enumerate(problems) if problem]
        if not wrong:
            kinds = dict.fromkeys(trial.kind for trial in self._trials)
            return Report(self.name, f"Tried on {len(self._trials)} inputs: {', '.join(kinds)}")
        # The kinds go from what is basic to what is special, so the first one that goes wrong comes first.
        kind = self._trials[wrong[0]].kind
        same_kind = [number for number in wrong if self._trials[number].kind == kind]
        smallest = min(same_kind, key=lambda number: _size(self._trials[number]))
        trial = self._trials[smallest]
        failing = {self._trials[number].kind for number in wrong}
        works = list(dict.fromkeys(trial.kind for trial in self._trials if trial.kind not in failing))
        return Report(
            self.name,
            problem=problems[smallest] or "",
            mistake=self._mistake(outcomes),
            example=self._shown(trial),
            kind=trial.kind,
            works=works,
        )

    def _called(self, answer: Answer, *arguments: Any) -> Outputs:
        return {self.call: answer(*arguments)}

    def _try(self, answer: Answer, trial: Trial) -> Outcome:
        arguments = copy.deepcopy(trial.arguments)
        outputs: Outputs = {}
        error = None
        # Every try of an answer draws the same random numbers, and the reader's own draws go on after it as before.
        state = np.random.get_state()
        np.random.seed(0)
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                outputs = kept(self._run(answer, *arguments))
        except Exception as raised:
            error = raised
        finally:
            np.random.set_state(state)
        changed = [
            name
            for name, before, after in zip(self.parameters, trial.arguments, arguments, strict=False)
            if name not in self._writes and not same(before, after, 0)
        ]
        return Outcome(outputs, error, changed)

    def _problem(self, outcome: Outcome, trial: Trial) -> str | None:
        """What is wrong with the outcome of a trial, in one sentence."""
        if outcome.error is not None:
            return f"It stops with {type(outcome.error).__name__}: {outcome.error}"
        for call, value in outcome.outputs.items():
            if value is None:
                return f"{call} gives None. Is there a return at the end?"
            if isinstance(value, Generator):
                return f"{call} gives a generator, since there is a yield in it: collect the values in a list."
        if self._judge is not None:
            try:
                problem = self._judge(outcome.outputs, *copy.deepcopy(trial.arguments))
            except (TypeError, ValueError, OverflowError):  # what came cannot be made an array of numbers
                given = next(iter(outcome.outputs.values()))
                problem = (
                    f"{self.call} gives {_diagnosis.short(given)}, but numbers are wanted, in arrays of one shape."
                )
        else:
            problem = self._difference(outcome.outputs, trial)
        if not outcome.changed:
            return problem
        changes = f"changes its argument {outcome.changed[0]}"
        if problem is None:
            return f"The results are right, but it {changes}."
        return f"{problem} It also {changes}, and this may be the reason."

    def _difference(self, outputs: Outputs, trial: Trial) -> str | None:
        wanted = self._try(self._right, trial).outputs
        for call, right in wanted.items():
            if not same(outputs[call], right, self._tolerance):
                return _diagnosis.describe(
                    call, outputs[call], right, trial.arguments, self._tolerance, self._samples(trial)
                )
        return None

    def _mistake(self, outcomes: Sequence[Outcome]) -> str:
        """The typical mistake that has the same outcomes in all trials."""
        for tolerance in 1e-9, self._tolerance:  # first the one that is nearest
            for sentence, mistaken in self._mistakes.items():
                if all(
                    _alike(outcome, self._try(mistaken, trial), tolerance)
                    for outcome, trial in zip(outcomes, self._trials, strict=True)
                ):
                    return sentence
        return ""

    def _samples(self, trial: Trial) -> int | None:
        """How many samples the batch has, if the exercise is about batches."""
        if "batch" not in self.task:
            return None
        return next((len(value) for value in trial.arguments if isinstance(value, np.ndarray) and value.ndim > 1), None)

    def _shown(self, trial: Trial) -> str:
        lines = []
        for name, value in zip(self.parameters, trial.arguments, strict=False):
            first, *rest = _code(value).split("\n")
            lines += [f"{name} = {first}", *(" " * len(f"{name} = ") + line for line in rest)]
        return "\n".join(lines)


def _alike(one: Outcome, other: Outcome, tolerance: float) -> bool:
    if one.error is not None or other.error is not None:
        return type(one.error) is type(other.error)
    return (
        one.changed == other.changed
        and one.outputs.keys() == other.outputs.keys()
        and all(same(value, other.outputs[call], tolerance) for call, value in one.outputs.items())
    )


def _size(trial: Trial) -> int:
    return sum(np.size(value) for value in trial.arguments if isinstance(value, np.ndarray | float | int | list))


def _code(value: Any) -> str:
    """An argument as the reader would type it."""
    if isinstance(value, np.ndarray):
        text = np.array2string(value, separator=", ", precision=4, suppress_small=False, threshold=40)
        dtype = "" if value.dtype in (np.float64, np.int64) else f", dtype=np.{value.dtype}"
        return f"np.array({text}{dtype})".replace("\n", "\n" + " " * 9)
    if inspect.isfunction(value):
        return (value.__doc__ or value.__name__).strip()
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {_code(item)}" for key, item in value.items()) + "}"
    return repr(value)
