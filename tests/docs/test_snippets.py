"""Runs the documentation: every fenced block of a page, in order, in a temporary folder.

A `python` block is executed, in one namespace for the page. Of a `console` block the lines that start with
`$ ` (and those they continue on, after a backslash) are run with `bash -e`, with `semeia` on the path. Blocks
that only show something are marked `text`, `yaml`, `csv` or `mermaid`. Any other mark is refused, so that no
snippet escapes by being called something else.
"""

import logging
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import pytest

from semeia.data.modality import Modality
from semeia.encoders.build import EMBEDDINGS

DOCS = Path(__file__).parents[2] / "docs"
PAGES = (
    "tutorial.md",
    "how-to/tables.md",
    "how-to/records.md",
    "how-to/films-and-records.md",
    "how-to/evaluate-predictions.md",
    "how-to/knees.md",
    "how-to/large-archives.md",
    "how-to/add-a-modality.md",
    "how-to/dicom.md",
    "how-to/install.md",
    "how-to/signatures.md",
    "how-to/serve.md",
)
SHOWN = {"text", "yaml", "csv", "mermaid"}
FENCE = re.compile(r"^```(?P<mark>[\w-]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """One fenced block of a page: its mark, its text, the line of the page where the text starts."""

    mark: str
    text: str
    line: int


def blocks(page: str) -> list[Block]:
    """All fenced blocks, in order; a fence that is not closed, or a mark that is not known, is an error."""
    found = [Block(m["mark"], m["text"], page.count("\n", 0, m.start()) + 2) for m in FENCE.finditer(page)]
    assert page.count("```") == 2 * len(found), "a code fence is indented, nested or not closed"
    for block in found:
        assert block.mark in {"python", "console", *SHOWN}, f"line {block.line}: ```{block.mark} is never run"
    return found


def commands(text: str) -> str:
    """The shell script in a console block: lines after `$ `, with the lines they continue on."""
    script, continues = [], False
    for line in text.splitlines():
        if continues or line.startswith("$ "):
            script.append(line if continues else line[2:])
            continues = line.endswith("\\")
    assert script, "a console block holds no line that starts with `$ `"
    return "\n".join(script) + "\n"


def run(page: Path, folder: Path) -> None:
    """Executes a page in `folder`, which is the working directory; fails at the first block that fails."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    namespace: dict[str, object] = {"__name__": "__main__"}
    for block in blocks(page.read_text()):
        where = f"{page.name}:{block.line}"
        if block.mark == "python":
            # Blank lines first, so that a traceback names the line of the page.
            exec(compile("\n" * (block.line - 1) + block.text, str(page), "exec"), namespace)
        elif block.mark == "console":
            script = commands(block.text)
            with tempfile.TemporaryFile("w+") as said:
                shell = subprocess.Popen(
                    ["bash", "-e", "-o", "pipefail", "-c", script],
                    cwd=folder,
                    env=os.environ | {"PATH": path},
                    stdin=subprocess.DEVNULL,
                    stdout=said,
                    stderr=said,
                    start_new_session=True,
                )
                code = shell.wait()
                with suppress(ProcessLookupError):  # a service that a failing block has left behind
                    os.killpg(shell.pid, signal.SIGTERM)
                said.seek(0)
                assert code == 0, f"{where} exited {code}\n{script}{said.read()}"


@contextmanager
def undone() -> Iterator[None]:
    """What a page registers in this process, and how it sets up logging, is gone for the tests that come after."""
    loggers = [logging.getLogger(name) for name in (None, "semeia")]
    before = [(logger.level, list(logger.handlers)) for logger in loggers]
    with patch.dict(EMBEDDINGS), patch.dict(Modality.register):
        yield
    for logger, (level, handlers) in zip(loggers, before, strict=True):
        logger.setLevel(level)
        logger.handlers[:] = handlers


@pytest.fixture(autouse=True)
def _undone() -> Iterator[None]:
    with undone():
        yield


def test_a_page_that_sets_up_logging_leaves_it_as_it_was():
    root, own = logging.getLogger(), logging.getLogger("semeia")
    before = root.level, list(root.handlers), own.level
    with undone():
        logging.basicConfig(level="INFO", force=True)
        own.setLevel(logging.ERROR)
    assert (root.level, root.handlers, own.level) == before


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", PAGES)
def test_page_runs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)

    run(DOCS / name, tmp_path)


def test_the_readme_runs_in_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Its console blocks are for a clone with data, and are not run."""
    monkeypatch.chdir(tmp_path)
    (python,) = (block for block in blocks((DOCS.parent / "README.md").read_text()) if block.mark == "python")
    assert len(python.text.splitlines()) <= 20
    exec(compile(python.text, "README.md", "exec"), {"__name__": "__main__"})
    assert (tmp_path / "model" / "model.safetensors").exists()


def test_runner_runs_every_block_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    page = tmp_path / "page.md"
    page.write_text(
        "```python\nfrom pathlib import Path\nPath('a').write_text('1')\n```\n"
        "```console\n$ cat a \\\n  > b\nwhat it printed\n$ python -c 'import semeia'\n```\n"
        "```python\nassert Path('b').read_text() == '1'\n```\n"
    )
    monkeypatch.chdir(tmp_path)

    run(page, tmp_path)

    assert (tmp_path / "b").read_text() == "1"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("```console\n$ false\n$ true\n```\n", "exited 1"),
        ("```bash\ntrue\n```\n", "never run"),
        ("```\ntrue\n```\n", "never run"),
        ("```console\ntrue\n```\n", "no line that starts"),
        ("```python\nassert False, 'it fails'\n```\n", "it fails"),
        ("```python\n1\n", "not closed"),
    ],
)
def test_runner_fails_when_a_block_does(text: str, message: str, tmp_path: Path):
    page = tmp_path / "page.md"
    page.write_text(text)

    with pytest.raises(AssertionError, match=message):
        run(page, tmp_path)


def headings(page: str) -> set[str]:
    """The anchors of a page: its headings as the site makes links of them, code taken out."""
    lines = re.findall(r"^#+ (.+)$", FENCE.sub("", page), re.MULTILINE)
    plain = (re.sub(r"[`*]|\[([^]]*)\]\([^)]*\)", r"\1", line).lower() for line in lines)
    return {re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", line).strip()) for line in plain}


def test_links_between_pages_lead_somewhere():
    root = DOCS.parent
    for page in [*DOCS.rglob("*.md"), *(root / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md"))]:
        for target, anchor in re.findall(r"\]\((?!https?://|mailto:)([^)#]*)#?([^)]*)\)", page.read_text()):
            led = page.parent / target if target else page
            assert led.exists(), f"{page.name} links to {target}"
            assert not anchor or anchor in headings(led.read_text()), f"{page.name} links to {target}#{anchor}"
