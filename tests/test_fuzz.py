"""Damaged files are read or refused in one line; tools/fuzz.py damages them for as long as one likes.

Readers that a file reaches first are tried here, in this process; the slower ones, and what takes too long or too much
memory, by `python tools/fuzz.py --minutes 30`.
"""

import importlib.util
import random
import sys
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

TOOLS = Path(__file__).parents[1] / "tools"
QUICK = ("nifti", "picture", "dicom", "images and table", "nodules", "features", "weights", "settings")
STEPS = st.lists(
    st.tuples(
        st.sampled_from(("flip", "byte", "cut", "double", "truncate", "length", "number", "token", "swap")),
        st.floats(0, 1, exclude_max=True),
        st.integers(0, 10**6),
    ),
    min_size=1,
    max_size=8,
)


@pytest.fixture(scope="module")
def fuzz() -> ModuleType:
    sys.path.insert(0, str(TOOLS))
    try:
        found = importlib.util.spec_from_file_location("fuzz", TOOLS / "fuzz.py")
        assert found is not None
        assert found.loader is not None
        module = importlib.util.module_from_spec(found)
        found.loader.exec_module(module)
    finally:
        sys.path.remove(str(TOOLS))
    return module


@pytest.mark.parametrize("target", QUICK)
def test_a_damaged_file_is_read_or_refused(target: str, fuzz: ModuleType, tmp_path: Path):
    inputs = fuzz.inputs_of(target)
    assert [fuzz.outcome_of(target, files, tmp_path / "x") for files in inputs] == ["read"] * len(inputs)

    @settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(which=st.integers(0, 10**6), steps=STEPS, inside=st.booleans())
    def damaged(which: int, steps: list[tuple[str, float, int]], inside: bool) -> None:
        rng = random.Random(which)
        files = rng.choice(inputs)
        name = rng.choice([name for name in files if name.endswith(fuzz.TARGETS[target].mutable)])
        made = fuzz.mutated(files, name, steps, inside=inside)
        assert fuzz.outcome_of(target, made, tmp_path / "x") in ("read", "refused")

    damaged()


def test_what_goes_wrong_is_told_apart_from_a_refusal(
    fuzz: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from semeia.errors import InputError

    def reading(error: BaseException):
        def read(folder: Path) -> None:
            raise error

        monkeypatch.setitem(fuzz.TARGETS, "it", fuzz.TARGETS["nifti"].__class__(lambda: [], read))
        return fuzz.outcome_of("it", {"x": b""}, tmp_path / "x")

    assert reading(InputError("x: is damaged; copy it again.")) == "refused"
    assert reading(InputError("two\nlines")).startswith("two lines at")
    assert reading(InputError("CANARY-001: is damaged")).startswith("a message with an id at")
    assert reading(IndexError("x")).startswith("IndexError at test_fuzz.py")
    assert reading(MemoryError()) == "MemoryError"


def test_a_picture_damaged_inside_has_its_checksums(fuzz: ModuleType):
    files = fuzz.inputs_of("picture")[0]
    assert fuzz.with_checksums(files["x.png"]) == files["x.png"]
    made = fuzz.mutated(files, "x.png", [("byte", 0.25, 9)], inside=True)["x.png"]
    assert made != files["x.png"]
    assert fuzz.with_checksums(made) == made
