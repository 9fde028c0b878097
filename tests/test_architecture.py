"""The house rules a machine can hold: import direction, no torch under the tables, no pickle, no grab-bags.

Read from the source with `ast`, imports inside functions included: a lazy import is still a dependency.
"""

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

SRC = Path(__file__).parents[1] / "src" / "semeia"
TESTS = Path(__file__).parent

# A room may import those of earlier lines and itself. The ground (first line) imports nothing but itself.
ORDER = (
    ("shapes", "errors", "ranges", "settings_json", "compiled", "processes", "sample"),
    ("archive",),
    ("readers",),
    ("evaluation",),
    ("signatures",),
    ("views",),
    ("encoders",),
    ("objectives",),
    ("learning",),
    ("worlds",),
    ("report",),
    ("studies",),
    ("command_line",),
    ("cli",),
    ("__main__",),
)
RANK = {room: rank for rank, rooms in enumerate(ORDER) for room in rooms}
BRINGS_TORCH = {"torch", "torchvision", "monai", "lightning_fabric", "lightning", "safetensors.torch"}
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
    found = set()
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - (node.level - 1)] if node.level else []
            origin = ".".join([*above, *([node.module] if node.module else [])])
            found |= {origin, *(f"{origin}.{alias.name}" for alias in node.names)}
    return frozenset(found)


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


def test_every_room_has_its_place_in_the_order():
    assert {_room(module) for module in MODULES} - {None} <= set(RANK)


@pytest.mark.parametrize("module", MODULES)
def test_imports_run_one_way(module: str):
    room = _room(module)
    targets = {target for name in _imports(module) if (target := _room(name)) and target != room}
    targets &= set(RANK)  # `from semeia import __version__` names no room

    if room is None:
        assert not targets, "the package's __init__ imports no room: `import semeia` stays instant"
    else:
        later = sorted(target for target in targets if RANK[target] >= max(RANK[room], 1))
        assert not later, f"{module} imports {later}, which come after {room} in the order of rooms"


@pytest.mark.parametrize("module", [name for name in MODULES if _room(name) in ("evaluation", "report")])
def test_tables_never_reach_torch(module: str):
    for reached in sorted(_reached(module)):
        heavy = {name for name in _imports(reached) if name in BRINGS_TORCH or name.split(".")[0] in BRINGS_TORCH}
        assert not heavy, f"{module} reaches {reached}, which imports {sorted(heavy)}"


def _reads_tensors_only(node: ast.AST) -> bool:
    """Whether it is the call `torch.load(..., weights_only=True)`."""
    if not isinstance(node, ast.Call) or ast.unparse(node.func) != "torch.load":
        return False
    given = {keyword.arg: getattr(keyword.value, "value", None) for keyword in node.keywords}
    return given.get("weights_only") is True


@pytest.mark.parametrize("module", MODULES)
def test_no_pickle_can_be_reached_from_a_file(module: str):
    roots = {name.split(".")[0] for name in _imports(module)}
    assert not roots & PICKLES
    assert not {f"{owner}.{call}" for owner, call in PICKLING_CALLS} & _imports(module)
    allowed = {id(node.func) for node in ast.walk(_tree(module)) if module == CONVERTS and _reads_tensors_only(node)}
    assert len(allowed) == (module == CONVERTS)
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and id(node) not in allowed:
            assert (node.value.id, node.attr) not in PICKLING_CALLS, f"line {node.lineno}"
        if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
            assert getattr(node.value, "value", None) is False, f"line {node.value.lineno}"


@pytest.mark.parametrize("root", [SRC, TESTS], ids=["src", "tests"])
def test_no_grab_bag_and_no_long_file(root: Path):
    for path in root.rglob("*.py"):
        words = set(path.stem.removeprefix("test_").split("_"))
        assert not words <= GRAB_BAGS, f"{path.name} says nothing about what is in it"
        assert len(path.read_text().splitlines()) <= 300, f"{path.name} is longer than 300 lines: it holds two ideas"
    for folder in (path for path in root.rglob("*") if path.is_dir()):
        assert folder.name not in GRAB_BAGS


STUDIES = [SRC / "studies" / name for name in ("nodule.py", "ehr.py")]


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.name)
def test_a_study_reads_like_its_protocol(path: Path):
    assert len(path.read_text().splitlines()) <= 150


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
