"""The table of comparisons: what it tests, on which units, in which families, and what it leaves out in words."""

import numpy as np
import polars as pl
import pytest
from scipy.stats import norm

from prediction_tables import predictions, view_of
from semeia.errors import InputError
from semeia.evaluation import EvaluationSettings, evaluate
from semeia.evaluation.judged import Judged, judge
from semeia.evaluation.statistics.delong import areas
from semeia.evaluation.statistics.intervals import holm
from semeia.evaluation.tables.columns import TABLES

ARMS = {"model": 1.5, "other": 0.8, "baseline": 0.5}


def _judged(table: pl.DataFrame, **changes) -> Judged:
    settings = EvaluationSettings(**{"references": ("baseline",), "draws": 200, **changes})
    return judge(table, settings=settings)


def _row(table: pl.DataFrame, **values) -> dict:
    return table.row(by_predicate=pl.all_horizontal(pl.col(k) == v for k, v in values.items()), named=True)


def test_one_seed_is_delong_on_the_rows_themselves():
    table = predictions(arms=ARMS, seeds=1, cohorts=("internal",))
    row = _row(view_of("comparisons", _judged(table)), arm="model")
    by_arm = {arm: part.sort("unit_id") for (arm,), part in table.partition_by("arm", as_dict=True).items()}
    labels, patients = by_arm["model"]["label"].to_numpy(), by_arm["model"]["subject_id"].to_numpy()
    scores = np.stack([by_arm[arm]["score"].to_numpy() for arm in ("model", "baseline")])
    expected = areas(labels, scores, patients).contrast((1, -1))
    assert row["difference"] == pytest.approx(expected.value)
    assert row["se"] == pytest.approx(expected.error)
    assert row["p"] == pytest.approx(2 * norm.sf(abs(expected.value / expected.error)))
    assert (row["low"], row["high"]) == pytest.approx(expected.interval())
    assert row["detectable_difference"] == pytest.approx((norm.ppf(0.975) + norm.ppf(0.8)) * expected.error)
    beyond = [norm.sf(norm.ppf(0.975) + sign * 0.05 / expected.error) for sign in (-1, 1)]
    assert row["power"] == pytest.approx(sum(beyond))
    assert (row["n"], row["n_patients"]) == (len(labels), 60)


def test_agrees_with_the_bootstrap_of_the_results():
    table = predictions(arms=ARMS, patients=120)
    settings = EvaluationSettings(references=("baseline",), draws=400, covariate=None)
    found = view_of("comparisons", judge(table, settings=settings))
    results = evaluate(table, settings=settings).results.filter(metric="auroc", reference="baseline")
    for cohort in ("internal", "external"):
        row, same = (_row(part, arm="model", cohort=cohort) for part in (found, results))
        assert row["difference"] == pytest.approx(same["value"])
        width = same["high"] - same["low"]
        assert row["high"] - row["low"] == pytest.approx(width, rel=0.2)
        assert row["seeds"] == 5


def test_families_are_those_of_the_settings():
    table = predictions(arms=ARMS, seeds=2)
    found = view_of("comparisons", _judged(table, references=("baseline", "other")))
    assert found.columns == list(TABLES["comparisons"])
    assert found["family_tests"].to_list() == [2] * 8
    assert found["family"].n_unique() == 4
    assert found["family"][0] == "outcome malignancy, cohort internal, stratum all, reference baseline"
    for part in found.partition_by("family"):
        np.testing.assert_allclose(part["p_holm"], holm(part["p"].to_numpy()))
    one = view_of("comparisons", _judged(table, references=("baseline", "other"), family=()))
    assert one["family"].unique().to_list() == ["all tests"]
    np.testing.assert_allclose(one["p_holm"], holm(one["p"].to_numpy()))
    with pytest.raises(InputError, match="'color' is not one of study, outcome"):
        view_of("comparisons", _judged(table, family=("color",)))


def test_every_label_fraction_is_tested():
    half = predictions(arms=ARMS, seeds=1).with_columns(fraction=pl.lit(0.5))
    table = pl.concat([predictions(arms=ARMS, seeds=1), half.filter(pl.col("arm") != "baseline")])
    found = view_of("comparisons", _judged(table)).filter(cohort="internal")
    assert sorted(found.select("arm", "fraction").rows()) == [
        ("model", 0.5),
        ("model", 1.0),
        ("other", 0.5),
        ("other", 1.0),
    ]
    assert found["family_tests"].to_list() == [4] * 4


def test_pairs_are_taken_on_shared_units():
    table = predictions(arms=ARMS, seeds=1, cohorts=("internal",))
    units = table["unit_id"].unique(maintain_order=True)
    fewer = table.filter((pl.col("arm") != "baseline") | pl.col("unit_id").is_in(units[:80].to_list()))
    judged = _judged(fewer)
    shared = table.filter(pl.col("unit_id").is_in(units[:80].to_list()))
    assert (
        view_of("comparisons", judged)["difference"].to_list()
        == view_of("comparisons", _judged(shared))["difference"].to_list()
    )
    assert any("taken on the units both predicted" in line for line in judged.notes.lines())


def test_what_cannot_be_tested_is_left_out_in_words():
    table = predictions(arms=ARMS, seeds=1, cohorts=("internal",))
    same = table.filter(arm="baseline").with_columns(arm=pl.lit("copy"))
    judged = _judged(pl.concat([table, same]))
    found = view_of("comparisons", judged)
    assert "copy" not in found["arm"].to_list()
    assert any("its standard error is zero: malignancy, copy/finetune" in line for line in judged.notes.lines())
    assert not any(found[name].is_null().any() for name in found.columns)


def test_one_positive_patient_and_no_common_seed_are_left_out_in_words():
    table = predictions(arms=ARMS, seeds=1, cohorts=("internal",))
    one = table["subject_id"][int(table["label"].arg_max() or 0)]
    lone = _judged(table.filter((pl.col("label") == 0) | (pl.col("subject_id") == one)))
    assert view_of("comparisons", lone).is_empty()
    assert any("fewer than 5 patients have a unit of one class" in line for line in lone.notes.lines())
    shifted = table.with_columns(seed=pl.when(pl.col("arm") == "baseline").then(7).otherwise(pl.col("seed")))
    apart = _judged(shifted)
    assert view_of("comparisons", apart).is_empty()
    assert any("no seed tests the same units" in line for line in apart.notes.lines())


def test_no_reference_no_table():
    assert view_of("comparisons", _judged(predictions(seeds=1), references=())).is_empty()
