"""Subgroups: values against scikit-learn, small cells hidden, columns refused with words."""

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import brier_score_loss, roc_auc_score

from prediction_tables import predictions, view_of
from semeia.errors import InputError
from semeia.evaluation import EvaluationSettings
from semeia.evaluation.judged import judge
from semeia.evaluation.tables.columns import TABLES

QUICK = EvaluationSettings(draws=100)


@pytest.fixture(scope="module")
def table() -> pl.DataFrame:
    frame = predictions(patients=120, seeds=2)
    number = frame["subject_id"].str.extract(r"(\d+)$").cast(pl.Int64)
    # every 24th patient is of a third sex: five of them in each cohort.
    sex = pl.when(number % 24 == 0).then(pl.lit("X")).when(number % 3 == 0).then(pl.lit("M")).otherwise(pl.lit("F"))
    return frame.with_columns(sex=sex)


@pytest.fixture(scope="module")
def found(table) -> pl.DataFrame:
    return view_of("subgroups", judge(table, settings=QUICK))


def test_the_columns_it_knows_are_taken(found):
    assert found.schema == pl.Schema(TABLES["subgroups"])
    assert set(found["column"]) == {"sex", "site", "diameter_mm"}
    assert not found.select(pl.selectors.float().is_nan().any()).row(0).count(True)


def test_values_are_those_of_the_rows(table, found):
    rows = table.filter(cohort="external", arm="model", sex="F")
    folds = rows.partition_by("seed")
    mine = found.filter(cohort="external", arm="model", level="F")
    values = dict(mine.select("metric", "value").iter_rows())
    assert values["auroc"] == pytest.approx(np.mean([roc_auc_score(f["label"], f["score"]) for f in folds]))
    assert values["brier"] == pytest.approx(np.mean([brier_score_loss(f["label"], f["score"]) for f in folds]))
    assert values["o_e"] == pytest.approx(np.mean([f["label"].sum() / f["score"].sum() for f in folds]))
    shown = mine.filter(metric="auroc").row(0, named=True)
    assert shown["n"] is None or shown["n"] == rows["unit_id"].n_unique()
    assert shown["low"] < shown["value"] < shown["high"]


def test_small_cells_are_hidden_and_do_not_follow_from_the_others(found):
    sex = found.filter(column="sex", metric="auroc", cohort="external", arm="model")
    states = dict(sex.select("level", "state").iter_rows())
    assert states == {"F": "shown", "M": "counts withheld", "X": "suppressed"}
    hidden = found.filter(state="suppressed")
    assert (
        hidden.select("value", "low", "high", "n", "n_patients", "n_positive").null_count().row(0)
        == (hidden.height,) * 6
    )
    withheld = found.filter(state="counts withheld")
    assert withheld["n"].null_count() == withheld.height
    assert withheld["value"].null_count() == 0
    counts = found.select("n", "n_patients", "n_positive").drop_nulls()
    assert counts.select(pl.all().min() >= 10).row(0) == (True,) * 3
    assert (counts["n"] - counts["n_positive"] >= 10).all()


def test_named_columns_only_and_absent_ones_refused(table):
    named = judge(table, settings=EvaluationSettings(draws=100, subgroups=("site",)))
    assert set(view_of("subgroups", named)["column"]) == {"site"}
    for wrong in ("height", "subject_id"):
        with pytest.raises(InputError, match=wrong):
            view_of("subgroups", judge(table, settings=EvaluationSettings(draws=100, subgroups=(wrong,))))


def test_columns_that_cut_alike_are_shown_once(table):
    judged = judge(table.with_columns(manufacturer=pl.col("site").str.to_lowercase()), settings=QUICK)
    assert "manufacturer" not in judged.subgroups
    assert any("subgroups by manufacturer left out" in line for line in judged.notes.lines())


def test_a_column_of_one_level_in_a_cohort_is_no_subgroup(table):
    one_site = table.with_columns(site=pl.when(cohort="internal").then(pl.lit("GE")).otherwise("site"))
    found = view_of("subgroups", judge(one_site, settings=QUICK))
    assert set(found.filter(column="site")["cohort"]) == {"external"}
