"""Hold the house rules that a machine can hold, each in one test that lists every offender.

Imports run one way, no torch under the tables, no pickle, no grab-bag, no long file, no full folder. Read from the
source with `ast`, imports inside functions included: a lazy import is still a dependency. That tests mirror the source
is a habit, not a rule here: a behaviour that several files share has one test.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

SRC = Path(__file__).parents[1] / "src" / "semeia"
TESTS = Path(__file__).parent

# A room may import those of earlier lines and itself. The ground (first line) imports nothing but itself.
ORDER = (
    ("shapes", "errors", "bounds", "settings_json", "compiled", "processes", "ranges", "progress", "sample"),
    ("archive",),
    ("readers",),
    ("evaluation",),
    ("group",),
    ("sharding",),
    ("spread",),
    ("signatures",),
    ("data",),
    ("encoders",),
    ("objectives",),
    ("learning",),
    ("worlds",),
    ("report",),
    ("studies",),
    ("service",),
    ("commands",),
    ("command_line",),
    ("cli",),
    ("__main__",),
)
RANK = {room: rank for rank, rooms in enumerate(ORDER) for room in rooms}
TORCH = {"torch", "torchvision", "monai", "lightning_fabric", "lightning", "safetensors.torch"}
PICKLES = {"pickle", "_pickle", "dill", "cloudpickle", "shelve", "marshal"}
PICKLING_CALLS = {
    ("torch", "load"),
    ("torch", "save"),
    ("joblib", "dump"),
    ("joblib", "load"),
    ("pl", "read_pickle"),
    ("pd", "read_pickle"),
}
# `semeia weights convert` opens the pickles that others publish, as plain tensors only: nothing in them is run.
CONVERTS = "semeia.learning.weights"
GRAB_BAGS = {"utils", "util", "helpers", "helper", "common", "misc", "base", "tools"}
HEAVY = ("torch", "monai", "matplotlib", "sklearn", "nibabel", "scipy")
MOST_LINES, MOST_FILES = 300, 25
# Longer by argument: each holds one thing that does not fall into two.
LONG = {
    "archive/part/writer.py": 356,  # the one door into an archive
    "data/dataset.py": 310,  # one class, two doors
    "tests/studies/records/test_ehr.py": 370,
    "tests/studies/test_nodule.py": 350,
}
# One file a statistic: a list to look things up in, not ideas to be divided.
FULL = {"evaluation/statistics"}


def _name(path: Path) -> str:
    parts = ("semeia", *path.relative_to(SRC).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {_name(path): path for path in sorted(SRC.rglob("*.py"))}


@cache
def _tree(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text(), filename=str(MODULES[module]))


@cache
def _imports(module: str) -> frozenset[str]:
    """All modules named by an import in the file; `from a import b` names a and a.b (perhaps a module)."""
    package = module if MODULES[module].name == "__init__.py" else module.rpartition(".")[0]
    imported = set()
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - (node.level - 1)] if node.level else []
            origin = ".".join([*above, *([node.module] if node.module else [])])
            imported |= {origin, *(f"{origin}.{alias.name}" for alias in node.names)}
    return frozenset(imported)


def _reached(module: str) -> set[str]:
    """What `module` can bring in of the package, when imported or run: itself and packages above it too."""
    todo, seen = [module], set()
    while todo:
        current = todo.pop()
        parents = [current.rsplit(".", depth)[0] for depth in range(current.count(".") + 1)]
        for name in {*parents, *(_imports(current) if current in MODULES else ())}:
            if name in MODULES and name not in seen:
                seen.add(name)
                todo.append(name)
    return seen


def _room(module: str) -> str | None:
    """The room a module of the package stands in; None for the package itself and for anything else."""
    parts = module.split(".")
    return parts[1] if parts[0] == "semeia" and len(parts) > 1 else None


def _against_the_order() -> Iterator[str]:
    """Modules of a room that has no place, or that import a room that comes later (the package itself: any room)."""
    for module in MODULES:
        room = _room(module)
        if room is not None and room not in RANK:
            yield f"{module}: its room has no place in the order"
            continue
        targets = {target for name in _imports(module) if (target := _room(name)) in RANK and target != room}
        later = sorted(t for t in targets if t and (room is None or RANK[t] >= max(RANK[room], 1)))
        if later:
            yield f"{module} imports {', '.join(later)}"


def _with_torch() -> Iterator[str]:
    """Modules of tables and pages from which torch can be reached."""
    for module in MODULES:
        if _room(module) in ("evaluation", "report"):
            for reached in sorted(_reached(module)):
                if heavy := {name for name in _imports(reached) if name in TORCH or name.split(".")[0] in TORCH}:
                    yield f"{module} reaches {reached}, which imports {', '.join(sorted(heavy))}"


def _reads_tensors_only(node: ast.AST) -> bool:
    """Whether it is the call `torch.load(..., weights_only=True)`."""
    if not isinstance(node, ast.Call) or ast.unparse(node.func) != "torch.load":
        return False
    given = {keyword.arg: getattr(keyword.value, "value", None) for keyword in node.keywords}
    return given.get("weights_only") is True


def _is_false(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is False


def _with_pickle() -> Iterator[str]:
    """Modules that import pickle, or call what unpickles a file."""
    for module in MODULES:
        if named := {name.split(".")[0] for name in _imports(module)} & PICKLES:
            yield f"{module} imports {', '.join(sorted(named))}"
        if {f"{owner}.{call}" for owner, call in PICKLING_CALLS} & _imports(module):
            yield f"{module} imports a function that unpickles"
        nodes = list(ast.walk(_tree(module)))
        allowed = {id(node.func) for node in nodes if module == CONVERTS and _reads_tensors_only(node)}
        if len(allowed) != (module == CONVERTS):
            yield f"{module} reads {len(allowed)} files as plain tensors"
        for node in nodes:
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and id(node) not in allowed:
                if (node.value.id, node.attr) in PICKLING_CALLS:
                    yield f"{module}, line {node.lineno}: {node.value.id}.{node.attr}"
            elif isinstance(node, ast.keyword) and node.arg == "allow_pickle" and not _is_false(node.value):
                yield f"{module}, line {node.value.lineno}: allow_pickle"


def _shapeless() -> Iterator[str]:
    """Files and folders that say nothing by their name, long files, full folders."""
    for root, top in ((SRC, ""), (TESTS, "tests/")):
        for path in sorted(root.rglob("*.py")):
            name = top + path.relative_to(root).as_posix()
            if set(path.stem.removeprefix("test_").split("_")) <= GRAB_BAGS:
                yield f"{name} says nothing about what is in it"
            lines = len(path.read_text().splitlines())
            if lines > LONG.get(name, MOST_LINES):
                yield f"{name} has {lines} lines: it holds two ideas"
        for folder in [root, *(path for path in sorted(root.rglob("*")) if path.is_dir())]:
            name = (top + folder.relative_to(root).as_posix()).rstrip("/.")
            files = len(list(folder.glob("*.py")))
            if folder.name in GRAB_BAGS:
                yield f"{name}/ says nothing about what is in it"
            if folder != TESTS and files > MOST_FILES and name.removeprefix("tests/") not in FULL:
                yield f"{name}/ holds {files} files: divide it by an idea"


@pytest.mark.parametrize("offenders", [_against_the_order, _with_torch, _with_pickle, _shapeless])
def test_nothing_offends(offenders):
    assert not "\n".join(offenders())


@pytest.mark.parametrize(
    "command",
    [
        "import semeia",
        "import sys; sys.argv = ['semeia', '--help']; from semeia.cli import main; main()",
    ],
    ids=["import", "help"],
)
def test_starts_without_heavy_libraries(command: str):
    program = (
        f"import sys\ntry:\n    exec({command!r})\nexcept SystemExit as stop:\n    assert not stop.code\n"
        f"print('HEAVY', *(name for name in {HEAVY!r} if name in sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-1] == "HEAVY"
