"""The tool that writes fingerprints.txt from the histories of two repositories."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).parent.parent.parent / "tools" / "fingerprints.py"

pytestmark = [
    pytest.mark.skipif(not TOOL.exists(), reason="the source folder alone has the tool"),
    pytest.mark.skipif(shutil.which("git") is None, reason="needs git"),
]


def repository(folder, *commits):
    """Make a repository with one commit for each (day, files)."""

    def git(*arguments, **environment):
        subprocess.run(
            ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", folder, *arguments],
            env={"PATH": "/usr/bin:/bin:/usr/local/bin", **environment}, check=True, capture_output=True,
        )  # fmt: skip

    folder.mkdir()
    git("init", "-q")
    for day, files in commits:
        for name, text in files.items():
            (folder / name).write_text(text, "utf-8")
        git("add", "-A")
        git("commit", "-q", "-m", "x", GIT_AUTHOR_DATE=f"{day}T00:00:00Z", GIT_COMMITTER_DATE=f"{day}T00:00:00Z")
    return folder


def test_every_version_gets_a_number_in_the_order_of_publication(tmp_path):
    old, new = "def f(x):\n    return size\n", "def f(x):  # now right\n    return 2 * size\n"
    notebook = '{"cells": [{"cell_type": "code", "source": ["%time\\n", "def g(): pass"]}]}'
    ja = repository(
        tmp_path / "ja",
        ("2017-01-02", {"a.py": f"size = 3\nother = 4\n{old}"}),
        ("2018-01-02", {"a.py": f"size = 3\n{new}", "bad.py": "print 3"}),
    )
    ko = repository(
        tmp_path / "ko",
        ("2019-01-02", {"b c.py": f'"""Text."""\n{old}', "n.ipynb": notebook}),
        ("2020-01-02", {"more.txt": "def h(): pass"}),
    )
    done = subprocess.run([sys.executable, TOOL, ja, ko], capture_output=True, encoding="utf-8", check=True)
    lines = [line.split() for line in done.stdout.splitlines() if not line.startswith("#")]
    assert [line[:1] + line[2:] for line in lines] == [
        ["f-1", "ja,ko", "2017-01-02", "2020-01-02", "a.py", "b%20c.py"],
        ["f-2", "ja", "2018-01-02", "2018-01-02", "a.py"],
        ["g-1", "ko", "2019-01-02", "2020-01-02", "n.ipynb"],
        ["size-1", "ja", "2017-01-02", "2018-01-02", "a.py"],
    ]
