"""The package by name: what most people need, from pandas and polars, without knowing the rooms."""

import operator
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

import semeia


@pytest.mark.parametrize("name", semeia.FRONT)
def test_every_name_is_there_and_is_what_its_room_calls_by_it(name: str):
    thing = getattr(semeia, name)
    assert thing.__name__ == name
    assert name in dir(semeia)


def test_type_checkers_are_told_the_same_names():
    stub = Path(semeia.__file__).with_suffix(".pyi").read_text()
    told = re.findall(r"from semeia\.([\w.]+) import (\w+) as \2", stub)
    assert {name: room for room, name in told} == semeia.FRONT


def test_the_package_alone_loads_none_of_its_rooms():
    code = "import sys, semeia; print(sorted(m for m in sys.modules if m.startswith('semeia')))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "['semeia']"


def test_an_unknown_name_is_no_attribute():
    with pytest.raises(AttributeError, match="no attribute 'train'"):
        operator.attrgetter("train")(semeia)


def predictions() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    label = (rng.random(120) < 0.4).astype(float)
    label[7] = np.nan
    score = np.clip(0.3 + 0.3 * np.nan_to_num(label) + 0.2 * rng.standard_normal(120), 0.01, 0.99)
    return pd.DataFrame({"subject_id": rng.integers(0, 60, 120), "label": label, "score": score})


def test_a_frame_of_pandas_is_evaluated_as_the_same_frame_of_polars():
    frame = predictions().iloc[3:]
    settings = semeia.EvaluationSettings(draws=100)
    ours = semeia.evaluate(pl.DataFrame(frame.to_dict("list"), nan_to_null=True), settings=settings)
    assert semeia.evaluate(frame, settings=settings).results.equals(ours.results)


def test_an_evaluation_shows_itself_in_a_notebook():
    shown = semeia.evaluate(predictions(), settings=semeia.EvaluationSettings(draws=100))._repr_html_()
    assert "<table" in shown
    assert "auroc" in shown
