"""What `pip install semeia` brings: the wheel, installed outside the repository, without what its extras bring.

The libraries of the extras are in the environment of the tests, so that imports of them are refused here as they would
be where they are not installed.
"""

import email
import importlib.metadata
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from prediction_tables import predictions
from semeia.errors import EXTRAS, missing_extra

REPOSITORY = Path(__file__).parents[1]
WITHOUT = """
import sys
class Without:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {libraries!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Without())
import semeia
assert {site!r} in semeia.__file__, semeia.__file__
"""
LEFT_OUT = sorted({library for libraries in EXTRAS.values() for library in libraries} | {"pandas"})


def _run(*command: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        cwd=cwd,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this repository; built without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    quiet = ("--no-deps", "--no-build-isolation", "--no-index", "--quiet")
    built = _run("-m", "pip", "wheel", *quiet, "--wheel-dir", str(folder), str(REPOSITORY), cwd=folder)
    assert built.returncode == 0, built.stderr
    (file,) = folder.glob("semeia-*.whl")
    return file


@pytest.fixture(scope="module")
def site(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the wheel is installed in."""
    folder = tmp_path_factory.mktemp("site")
    done = _run(
        "-m", "pip", "install", "--no-deps", "--no-index", "-q", "--target", str(folder), str(wheel), cwd=folder
    )
    assert done.returncode == 0, done.stderr
    return folder


def _metadata(wheel: Path) -> email.message.Message:
    with zipfile.ZipFile(wheel) as files:
        (name,) = (name for name in files.namelist() if name.endswith(".dist-info/METADATA"))
        return email.message_from_bytes(files.read(name))


def _needed(wheel: Path) -> dict[str, set[str]]:
    """Names of the distributions by the extra that brings them; those that always come under an empty name."""
    needed: dict[str, set[str]] = {}
    for line in _metadata(wheel).get_all("Requires-Dist", []):
        requirement, _, marker = line.partition(";")
        extra = re.search(r"extra == ['\"]([\w-]+)", marker)
        name = re.match(r"[\w.-]+", requirement)
        assert name, line
        needed.setdefault(extra[1] if extra else "", set()).add(name[0].lower())
    return needed


@pytest.mark.slow
def test_it_holds_the_package_with_what_it_reads_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as files:
        names = set(files.namelist())
    source = REPOSITORY / "src"
    tracked = {
        path.relative_to(source).as_posix()
        for path in (source / "semeia").rglob("*")
        if path.is_file() and path.suffix not in (".pyc", ".nbi", ".nbc")
    }
    assert {name for name in names if name.startswith("semeia/")} == tracked
    assert {"semeia/py.typed", "semeia/__init__.pyi", "semeia/commands.toml"} <= names
    assert {name.partition("/")[0] for name in names} == {"semeia", f"{'-'.join(wheel.name.split('-')[:2])}.dist-info"}


@pytest.mark.slow
def test_its_metadata_says_what_always_comes_and_what_each_extra_brings(wheel):
    needed, provided = _needed(wheel), importlib.metadata.packages_distributions()
    assert not needed[""] & {"torch", "monai", "numba", "duckdb", "pydicom", "scikit-learn", "onnx", "fastapi"}
    assert {"numpy", "polars", "matplotlib"} <= needed[""]
    for extra, libraries in EXTRAS.items():
        for library in libraries:
            # What no test installs (transformers, ray) is called as its distribution is.
            assert {name.lower() for name in provided.get(library, [library])} & needed[extra], (extra, library)
    versions = [
        line.rpartition(" ")[2] for line in _metadata(wheel).get_all("Classifier", []) if "Python :: 3." in line
    ]
    assert versions == ["3.11", "3.12", "3.13"]


@pytest.mark.slow
def test_predictions_are_evaluated_and_reported_without_any_extra(site, tmp_path):
    predictions().write_csv(tmp_path / "predictions.csv")
    start = WITHOUT.format(libraries=LEFT_OUT, site=str(site))
    commands = (
        ["evaluate", "predictions.csv", "--out", "results", "--draws", "100"],
        ["evaluate", "predictions.csv", "--out", "again", "--draws", "100", "--interval", "bca"],
        ["report", "results", "again", "--compare", "comparison.html"],
    )
    program = start + f"from semeia.cli import main\nfor command in {commands!r}:\n    assert main(command) == 0\n"
    done = _run("-c", program, cwd=tmp_path, PYTHONPATH=str(site))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "results" / "report.html").stat().st_size > 10_000
    assert (tmp_path / "comparison.html").exists()


@pytest.mark.slow
def test_what_an_extra_brings_is_asked_for_in_one_line(site, tmp_path):
    start = WITHOUT.format(libraries=LEFT_OUT, site=str(site))
    for name in ("omop/person.csv", "omop/measurement.csv", "films/1.dcm"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(bytes(128) + b"DICM" if name.endswith("dcm") else b"person_id\n1\n")
    asked = {
        ("pretrain", "archive", "--out", "run"): "train",
        ("signatures", "fit", "archive", "--out", "model"): "train",
        ("ingest", "omop", "omop", "--into", "archive"): "records",
        ("ingest", "dicom", "films", "--into", "archive"): "dicom",
    }
    for command, extra in asked.items():
        program = start + f"from semeia.cli import main\nsys.exit(main({list(command)!r}))\n"
        done = _run("-c", program, cwd=tmp_path, PYTHONPATH=str(site))
        assert done.returncode == 2, done.stderr
        assert done.stderr.count("\n") == 1
        assert f'pip install "semeia[{extra}]"' in done.stderr


@pytest.mark.slow
def test_in_python_a_name_that_needs_an_extra_says_which(site, tmp_path):
    start = WITHOUT.format(libraries=LEFT_OUT, site=str(site))
    done = _run("-c", start + "semeia.evaluate, semeia.finetune\n", cwd=tmp_path, PYTHONPATH=str(site))
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        'ModuleNotFoundError: semeia.finetune: this needs torch, which is not installed: pip install "semeia[train]"'
    )


def test_a_library_of_no_extra_is_nothing_that_a_user_can_install():
    assert not missing_extra(ModuleNotFoundError("No module named 'semeia.nothing'", name="semeia.nothing"))
    assert not missing_extra(ModuleNotFoundError("no name"))
