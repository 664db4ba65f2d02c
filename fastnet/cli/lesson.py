"""`fastnet lesson`: print a lesson, or open it in the browser. Neither needs a network."""

import argparse
import shutil
import sys
import tempfile
import webbrowser
from pathlib import Path
from typing import Any

from fastnet._languages import LANGUAGES, Language
from fastnet.cli import _arguments
from fastnet.lessons import _shelf
from fastnet.lessons._markdown import Say, Table
from fastnet.lessons._spelling import has
from fastnet.lessons._text import Terminal
from fastnet.lessons._translation import translation

# Letters that an encoding must have to show a language. The Korean and Chinese ones have あ, but not 学.
LETTERS = {"ko": "가", "ja": "あ学"}
WIDEST = 100  # columns: longer lines are hard to read


def add_parser(commands: Any) -> None:
    """Add `lesson` to the commands."""
    parser = _arguments.add_command(
        commands,
        "lesson",
        run,
        help="print the lesson of a chapter of the book, or open it in the browser",
        description="Print the lesson of a chapter, as in the documentation, without the internet. Without a chapter, "
        "list the lessons and what they ask.",
    )
    parser.add_argument(
        "chapter", type=int, nargs="?", choices=_shelf.chapters(), metavar="CHAPTER",
        help="the chapter of the book: %(choices)s",
    )
    parser.add_argument("--answers", action="store_true", help="print the answers of the exercises too")
    parser.add_argument(
        "--lang", choices=LANGUAGES, default="en",
        help="the language: English, Korean or Japanese (default: %(default)s)",
    )
    parser.add_argument(
        "--open", action="store_true",
        help="open the lesson in the browser, with its pictures, and with the answers folded. Needs fastnet's extra "
        "`lessons`",
    )


def run(args: argparse.Namespace) -> int:
    """Show a lesson or the list of all."""
    if args.chapter is None and (args.open or args.answers):
        option = "--open" if args.open else "--answers"
        raise ValueError(f"{option} needs a chapter: fastnet lesson 4 {option}")
    translated = translation(args.lang)

    def say(text: str) -> str:
        return translated.get(text, text)

    terminal = Terminal(_width(), getattr(sys.stdout, "encoding", None) or "utf-8", say)
    if translated and not (args.open or has(terminal.encoding, LETTERS[args.lang])):
        raise ValueError(
            f"standard output has the encoding {terminal.encoding}, which lacks the letters of --lang {args.lang}: set "
            "PYTHONUTF8=1"
        )
    if args.chapter is None:
        lines = listed(terminal, say)
    elif args.open:
        lines = [opened(args.chapter, args.lang, say)]
    else:
        lines = printed(args, terminal, say)
    print("\n".join(lines))
    return 0


def listed(terminal: Terminal, say: Say) -> list[str]:
    """Return the lines of the list: for each lesson its command, its title and its question."""
    summaries = {chapter: _shelf.summary(chapter, say) for chapter in _shelf.chapters()}
    rows = [[f"fastnet lesson {chapter}", f"{each.title}: {each.question}"] for chapter, each in summaries.items()]
    return terminal.lines([Table([[say("command"), say("lesson")], *rows])], answers=False)


def printed(args: argparse.Namespace, terminal: Terminal, say: Say) -> list[str]:
    """Return the lines of a lesson."""
    lines = terminal.lines(_shelf.lesson(args.chapter, say), answers=args.answers)
    if args.answers:
        return lines
    language = "" if args.lang == "en" else f" --lang {args.lang}"
    return [*lines, "", f"{say('The answers')}: fastnet lesson {args.chapter}{language} --answers"]


def opened(chapter: int, language: Language, say: Say) -> str:
    """Open a lesson in the browser, and return where its file is."""
    import matplotlib

    from fastnet.lessons._page import page

    matplotlib.use("agg")  # the pictures are for a file
    text = page(_shelf.lesson(chapter, say), language, say)
    file = Path(tempfile.mkdtemp(prefix="fastnet-")) / f"lesson-{chapter}.html"
    file.write_text(text, encoding="utf-8")
    webbrowser.open(file.as_uri())
    return f"The lesson is in {file}"


def _width() -> int:
    """Return the columns of the terminal, or 80 if there is none."""
    return min(shutil.get_terminal_size().columns, WIDEST)
