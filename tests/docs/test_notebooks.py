"""Runs the notebooks: every code cell, in order, in a namespace and a folder of its own, as a reader would.

They are kept without outputs, so that nothing of anybody's data is in them.
"""

import ast
import json
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).parents[2] / "docs" / "notebooks").glob("*.ipynb"))


def cells(notebook: Path) -> list[dict]:
    return [cell for cell in json.loads(notebook.read_text())["cells"] if cell["cell_type"] == "code"]


def run(code: str, namespace: dict[str, object], where: str) -> object:
    """Execute a cell; the value of its last line, where that is an expression, as a notebook shows it."""
    tree = ast.parse(code, where)
    shown = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, where, "exec"), namespace)
    if shown is None:
        return None
    value = eval(compile(ast.Expression(shown.value), where, "eval"), namespace)  # type: ignore[attr-defined]
    show = getattr(value, "_repr_html_", None)
    return show() if show else repr(value)


def test_there_is_one_for_images_records_and_predictions():
    assert [path.stem for path in NOTEBOOKS] == ["images", "predictions", "records"]


@pytest.mark.slow
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_cell_runs_and_shows_something(notebook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, object] = {"__name__": "__main__"}
    shown = [
        run("".join(cell["source"]), namespace, f"{notebook.name}, cell {n}") for n, cell in enumerate(cells(notebook))
    ]
    assert all(shown[1:])


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_is_kept_without_outputs(notebook: Path):
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells(notebook))
