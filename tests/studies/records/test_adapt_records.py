"""Two models of one record, weighed for the hospitals that they were not fitted at."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.special import expit, logit

from semeia.archive import open_archive
from semeia.errors import InputError
from semeia.learning.adapt import home
from semeia.learning.cells import Cell
from semeia.learning.stored import BLEND
from semeia.studies.adapt import ARM, adapt
from semeia.studies.predict import predict
from semeia.studies.records.ehr import ehr_study
from semeia.studies.records.ehr_data import EhrSettings, hospitals_inside, stays_of
from stay_archive import OUTCOME, SIGNATURES, stay_archive

LESS, MORE = "age_sex", "counts_logistic"
SETTINGS = EhrSettings(
    seeds=(0, 1), folds=2, fractions=(1.0,), signatures=SIGNATURES, draws=100, workers=1, arms=(LESS, MORE)
)


def test_two_models_of_the_record_are_weighed_for_the_hospitals_outside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    archive, run, out = (tmp_path / name for name in ("archive", "run", "adapted"))
    stays = stays_of(stay_archive(archive, patients=240), OUTCOME).drop_nulls("label")
    ehr_study(archive, out=run, settings=SETTINGS)
    inside = hospitals_inside(stays_of(open_archive(archive), OUTCOME), share=SETTINGS.inside, seed=0)
    monkeypatch.setattr(home, "FEWEST", 20)  # more than either fold has, fewer than both

    said = adapt(run, home=archive, archive=archive, out=out, anchor=LESS, arm=MORE, mode="none")

    outside = stays.filter(~pl.col("site").is_in(inside)).height
    assert f"{outside} units with everything, their labels unread; 2 seed(s)" in said
    assert "those of all tell one link at home" in said
    assert f"beyond what {LESS} explains" in said

    def scored(folder: Path, arm: str) -> pl.DataFrame:
        table = predict(folder, archive=archive, arm=arm, mode="none", seeds="each", skip_seen=True)
        return table.sort("seed", "unit_id")

    blend = scored(out, ARM)
    anchor, joint = (logit(scored(run, arm)["score"].to_numpy()) for arm in (LESS, MORE))
    cells = [json.loads((out / Cell(ARM, "none", 1.0, seed).name / BLEND).read_text()) for seed in (0, 1)]
    weight = np.array([cells[seed]["weight"] for seed in blend["seed"]])
    np.testing.assert_allclose(blend["score"], expit((1 - weight) * anchor + weight * joint))

    with pytest.raises(InputError, match="reads records: counts, people, age_sex reads records: people; adapt weighs"):
        adapt(run, home=archive, archive=archive, out=tmp_path / "new", anchor=MORE, arm=LESS, mode="none")
