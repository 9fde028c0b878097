"""evaluate(): against direct computation, paired, reproducible, and silent about no omission."""

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

from prediction_tables import predictions
from semeia.errors import InputError
from semeia.evaluation import (
    RESULT_COLUMNS,
    EvaluationSettings,
    check_predictions,
    evaluate,
    percentile_interval,
)
from semeia.evaluation.judged import in_canonical_order
from semeia.evaluation.resampling import draw_patients
from semeia.evaluation.statistics.discrimination import auroc_draws

QUICK = EvaluationSettings(draws=200, covariate="diameter_mm")
LEVELS = {
    "auroc",
    "auprc",
    "brier",
    "calibration_intercept",
    "calibration_slope",
    "sensitivity",
    "specificity",
    "auroc_with_diameter_mm",
    "auroc_gain_over_diameter_mm",
}


def one(results: pl.DataFrame, metric: str, *, arm: str = "model", cohort: str = "external", reference: str = ""):
    return results.filter(
        pl.col("metric") == metric,
        pl.col("arm") == arm,
        pl.col("cohort") == cohort,
        pl.col("reference") == reference,
    ).row(0, named=True)


@pytest.fixture(scope="module")
def table() -> pl.DataFrame:
    return predictions()


@pytest.fixture(scope="module")
def evaluation(table):
    return evaluate(table, settings=EvaluationSettings(draws=200, covariate="diameter_mm", references=("baseline",)))


def test_columns_rows_and_no_nan(evaluation):
    results = evaluation.results
    assert results.schema == pl.Schema(RESULT_COLUMNS)
    levels = results.filter(pl.col("reference") == "")
    assert set(levels["metric"]) == LEVELS
    assert levels.height == 2 * 2 * len(LEVELS)
    assert not results.select(pl.selectors.float().is_nan().any()).row(0).count(True)
    intervals = results.filter(pl.col("metric") != "auroc_detectable_difference")
    assert intervals.select((pl.col("low") <= pl.col("high")).all()).item()
    assert intervals["low"].null_count() == 0
    assert evaluation.notes == ()


def test_the_value_is_the_mean_over_seeds(table, evaluation):
    for cohort in ("internal", "external"):
        mine = table.filter(pl.col("arm") == "model", pl.col("cohort") == cohort)
        values = [
            roc_auc_score(fold["label"], fold["score"]) for fold in mine.partition_by("seed", maintain_order=True)
        ]
        row = one(evaluation.results, "auroc", cohort=cohort)
        assert row["value"] == pytest.approx(np.mean(values))
        units = mine.unique("unit_id")
        assert (row["n"], row["n_patients"], row["n_positive"], row["seeds"]) == (
            units.height,
            60,
            units["label"].sum(),
            5,
        )


def test_the_interval_is_that_of_patient_draws_averaged_over_seeds(table, evaluation):
    ordered, number = in_canonical_order(check_predictions(table))
    mine = ordered.with_columns(number=number).filter(pl.col("arm") == "model", pl.col("cohort") == "external")
    draws = [
        auroc_draws(
            fold["label"].to_numpy(), fold["score"].to_numpy(), _draws_without_strata(fold["number"].to_numpy())
        )
        for fold in mine.partition_by("seed", maintain_order=True)
    ]
    row = one(evaluation.results, "auroc")
    rarer = min(mine.filter(pl.col("label") == value)["subject_id"].n_unique() for value in (0, 1))
    expected = percentile_interval(np.mean(draws, axis=0), patients=rarer)
    assert (row["low"], row["high"]) == pytest.approx(expected)


def _draws_without_strata(subjects: np.ndarray) -> np.ndarray:
    """How often each row is in each draw: patients by number, all in one stratum."""
    patients, patient = np.unique(subjects, return_inverse=True)
    return draw_patients(np.zeros(len(patients)), draws=200, seed=0).T[patient].T


def test_differences_are_paired(table, evaluation):
    results = evaluation.results
    for cohort in ("internal", "external"):
        difference = one(results, "auroc", cohort=cohort, reference="baseline")
        mine, theirs = (one(results, "auroc", arm=arm, cohort=cohort)["value"] for arm in ("model", "baseline"))
        assert difference["value"] == pytest.approx(mine - theirs)
        detectable = one(results, "auroc_detectable_difference", cohort=cohort, reference="baseline")
        assert 0 < detectable["value"] < 0.5
        assert detectable["low"] is None
    same = table.filter(pl.col("arm") == "model").with_columns(arm=pl.lit("copy"))
    twice = pl.concat([table, same])
    copied = evaluate(twice, settings=EvaluationSettings(draws=200, references=("model",))).results
    row = one(copied, "auroc", arm="copy", reference="model")
    assert (row["value"], row["low"], row["high"]) == (0.0, None, None)  # it cannot vary: there is no interval
    assert not copied.filter(pl.col("reference") == "model", pl.col("arm") == "model").height


def test_other_arms_do_not_change_an_arm(table, evaluation):
    alone = evaluate(table.filter(pl.col("arm") == "model"), settings=QUICK).results
    together = evaluation.results.filter(pl.col("arm") == "model", pl.col("reference") == "")
    assert alone.equals(together)


def test_a_covariate_that_holds_the_label_leaves_nothing_to_gain():
    table = predictions().with_columns(diameter_mm=10.0 + 5 * pl.col("label"))
    results = evaluate(table, settings=QUICK).results
    gain = one(results, "auroc_gain_over_diameter_mm")
    assert gain["value"] == pytest.approx(0, abs=1e-9)
    chance = pl.col("unit_id").rank("dense").hash(seed=1) % 1000 + 1  # one value a unit, whatever the arm and seed
    useless = predictions().with_columns(diameter_mm=chance.cast(pl.Float64))
    row = one(evaluate(useless, settings=QUICK).results, "auroc_gain_over_diameter_mm")
    assert row["low"] > 0.1


def test_the_cross_fitted_threshold_is_near_its_target_outside(evaluation):
    row = one(evaluation.results, "sensitivity")
    assert 0.8 < row["value"] < 1.0
    assert one(evaluation.results, "specificity")["value"] < row["value"]


def test_a_strangers_table_of_three_columns():
    rng = np.random.default_rng(0)
    label = rng.integers(0, 2, 80)
    table = pl.DataFrame(
        {
            "subject_id": rng.integers(0, 40, 80),
            "label": label,
            "score": np.clip(rng.normal(0.4 + 0.2 * label, 0.2), 0, 1),
        }
    )
    evaluation = evaluate(table, settings=EvaluationSettings(draws=200))
    assert set(evaluation.results["metric"]) == LEVELS - {
        "auroc_with_diameter_mm",
        "auroc_gain_over_diameter_mm",
    }
    row = one(evaluation.results, "auroc", cohort="all")
    assert row["value"] == pytest.approx(roc_auc_score(label, table["score"]))
    assert (row["n"], row["seeds"], row["stratum"]) == (80, 1, "all")
    assert len(evaluation.notes) == 1  # scores are clipped to 0 and 1 above; of no covariate is anything said
    assert "scores of 0 or 1" in evaluation.notes[0]


def test_where_keeps_rows_and_names_the_stratum(table):
    where = "diameter_mm >= 9 AND diameter_mm <= 16"
    results = evaluate(table, settings=EvaluationSettings(draws=200, covariate="diameter_mm", where=where)).results
    assert results["stratum"].unique().to_list() == [where]
    kept = table.filter(
        pl.col("diameter_mm").is_between(9, 16), pl.col("arm") == "model", pl.col("cohort") == "external"
    )
    values = [roc_auc_score(fold["label"], fold["score"]) for fold in kept.partition_by("seed")]
    row = one(results, "auroc")
    assert row["value"] == pytest.approx(np.mean(values))
    assert row["n"] == kept["unit_id"].n_unique()


def test_by_adds_a_stratum_for_each_value(table, evaluation):
    results = evaluate(table, settings=EvaluationSettings(draws=200, by="site", covariate="diameter_mm")).results
    assert results["stratum"].unique(maintain_order=True).to_list() == ["all", "site=GE", "site=SIEMENS"]
    whole = results.filter(pl.col("stratum") == "all")
    known = evaluation.results.filter(pl.col("reference") == "")
    # with a reference, what is subtracted stands after what it is subtracted from
    mine, theirs = (rows.sort("cohort", "arm", maintain_order=True) for rows in (whole, known))
    assert mine.equals(theirs)


def test_one_class_is_left_out_and_named_without_patients(table):
    site = pl.when(pl.col("label") == 1).then(pl.lit("A")).otherwise(pl.lit("B"))
    evaluation = evaluate(table.with_columns(site=site), settings=EvaluationSettings(draws=200, by="site"))
    assert evaluation.results["stratum"].unique().to_list() == ["all"]
    note = evaluation.notes[0]
    assert note.startswith(
        "the cell left out, its rows are all of one class: malignancy, baseline/finetune, internal [site=A]"
    )
    assert not any("internal-0" in line for line in evaluation.notes)


def test_a_seed_of_one_class_leaves_the_mean(table):
    one_class = (pl.col("cohort") == "internal") & (pl.col("seed") == 2) & (pl.col("label") == 1)
    evaluation = evaluate(table.filter(~one_class), settings=QUICK)
    assert one(evaluation.results, "auroc", cohort="internal")["seeds"] == 4
    assert any("seeds left out" in note for note in evaluation.notes)


def test_a_metric_of_one_positive_patient_stands_without_an_interval():
    table = pl.DataFrame(
        {
            "subject_id": range(40),
            "label": [1] * 20 + [0] * 20,
            "score": np.linspace(0.9, 0.1, 40),
            "site": ["A"] + ["B"] * 20 + ["A"] * 19,
        }
    )
    evaluation = evaluate(table, settings=EvaluationSettings(draws=200, by="site"))
    small = evaluation.results.filter(pl.col("stratum") == "site=A", pl.col("metric") == "auroc")
    assert small.select("value", "low", "high", "n_positive_patients").row(0) == (1.0, pytest.approx(0.025), 1.0, 1)
    auprc = evaluation.results.filter(pl.col("stratum") == "site=A", pl.col("metric") == "auprc").row(0, named=True)
    assert (auprc["value"], auprc["low"], auprc["high"]) == (1.0, None, None)
    assert auprc["interval_method"] == "none: 1 patient has all units of a class (fewer than 5)"
    assert any(note.startswith("no interval, 1 patient has all units of a class") for note in evaluation.notes)


def test_unlabelled_rows_missing_covariates_and_shared_subjects_are_noted(table):
    first = pl.int_range(pl.len()) < 3
    spoilt = table.with_columns(
        label=pl.when(first).then(None).otherwise("label"),
        diameter_mm=pl.when(pl.int_range(pl.len()) == 10).then(None).otherwise("diameter_mm"),
        subject_id=pl.col("subject_id").str.replace("external-7$", "internal-7"),
    )
    notes = evaluate(spoilt, settings=QUICK).notes
    assert notes[0] == f"3 of {table.height} rows have no label; left out"
    assert notes[1].startswith("diameter_mm is missing in 1 of")
    assert any(note.startswith("1 subjects are in more than one cohort") for note in notes)


def test_no_internal_cohort_means_no_cross_fitted_metrics(table):
    renamed = table.with_columns(cohort=pl.col("cohort").replace("internal", "elsewhere"))
    evaluation = evaluate(renamed, settings=QUICK)
    assert set(evaluation.results["metric"]) == {
        "auroc",
        "auprc",
        "brier",
        "calibration_intercept",
        "calibration_slope",
    }
    assert "no cohort is named 'internal'" in evaluation.notes[0]


def test_arms_that_predicted_other_units_are_compared_on_the_common_ones(table):
    fewer = table.filter((pl.col("arm") == "model") | (pl.col("diameter_mm") > 8))
    evaluation = evaluate(fewer, settings=EvaluationSettings(draws=200, references=("baseline",)))
    common = table.filter(pl.col("diameter_mm") > 8, pl.col("cohort") == "external")
    row = one(evaluation.results, "auroc", reference="baseline")
    values = {
        arm[0]: np.mean([roc_auc_score(fold["label"], fold["score"]) for fold in rows.partition_by("seed")])
        for arm, rows in common.partition_by("arm", as_dict=True).items()
    }
    assert row["value"] == pytest.approx(values["model"] - values["baseline"])
    assert row["n"] == common["unit_id"].n_unique()
    assert any("taken on the units both predicted" in note for note in evaluation.notes)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"draws": 10}, "at least 100"),
        ({"level": 95.0}, "0.95"),
        ({"sensitivity_target": 0.0}, "in \\(0, 1\\]"),
    ],
)
def test_settings_refuse(settings, words):
    with pytest.raises(InputError, match=words):
        EvaluationSettings(**settings)


def test_an_unknown_reference_or_a_wordy_covariate_is_refused(table):
    with pytest.raises(InputError, match="not among the arms"):
        evaluate(table, settings=EvaluationSettings(references=("nothing",)))
    with pytest.raises(InputError, match="covariate site holds String"):
        evaluate(table, settings=EvaluationSettings(covariate="site"))
