"""Made-up predictions for tests: patients with several units, arms of known quality, folds, two cohorts."""

from unittest.mock import patch

import numpy as np
import polars as pl

from semeia.evaluation import estimands, estimate, rows
from semeia.evaluation.judged import Judged
from semeia.evaluation.recalibrate import recalibrated_rows
from semeia.evaluation.rows import ESTIMATE_COLUMNS
from semeia.evaluation.tables.sites import site_summaries
from semeia.evaluation.views import VIEWS


def predictions(
    *,
    arms: dict[str, float] | None = None,
    seeds: int = 5,
    patients: int = 60,
    cohorts: tuple[str, ...] = ("internal", "external"),
    generator_seed: int = 0,
) -> pl.DataFrame:
    """One row a unit, arm and seed. Inside, seed s tests the patients whose number is s modulo `seeds`.

    Args:
        arms: separation of the positives (in standard deviations of the log-odds) by arm.
    """
    rng = np.random.default_rng(generator_seed)
    parts = []
    for cohort in cohorts:
        subject = np.repeat(np.arange(patients), rng.integers(1, 4, patients))
        label = (rng.random(len(subject)) < 0.4).astype(np.int64)
        diameter = np.exp(rng.normal(2.2 + 0.4 * label, 0.4))
        unit = pl.DataFrame(
            {
                "subject_id": [f"{cohort}-{number}" for number in subject],
                "unit_id": [f"{cohort}-unit-{number}" for number in range(len(subject))],
                "label": label,
                "diameter_mm": diameter,
                "site": np.where(subject % 2 == 0, "GE", "SIEMENS"),
                "fold": subject % seeds,
            }
        )
        for arm, separation in (arms or {"model": 1.0, "baseline": 0.5}).items():
            for seed in range(seeds):
                noise = rng.normal(size=len(subject))
                score = 1 / (1 + np.exp(0.5 - separation * label - noise))
                made = unit.with_columns(
                    pl.lit("lungs").alias("study"),
                    pl.lit("malignancy").alias("outcome"),
                    pl.lit(arm).alias("arm"),
                    pl.lit("finetune").alias("mode"),
                    pl.lit(1.0).alias("fraction"),
                    pl.lit(seed).alias("seed"),
                    pl.lit(cohort).alias("cohort"),
                    pl.Series("score", score),
                )
                parts.append(made.filter(pl.col("fold") == seed) if cohort == "internal" else made)
    return pl.concat(parts).drop("fold")


# A name among those of the families that a table is a view of, or where they are asked for: the others take time.
VIEWED = {
    "comparisons": "auroc",
    "operating_points": "ppv",
    "calibration_curves": "calibration_curve",
    "calibration": "ici",
    "recalibration": "",
    "decision_curves": "net_benefit",
    "transport": estimands.HOME,
    "sites": estimands.SITES,
    "subgroups": estimands.SUBGROUPS,
}


def times_to_event() -> pl.DataFrame:
    """Times to an event or to the end of follow-up: 120 patients with two units each, two arms, two cohorts."""
    rng = np.random.default_rng(0)
    patient = np.repeat(np.arange(120), 2)
    x = rng.normal(size=120)[patient] + 0.3 * rng.normal(size=240)
    came, left = rng.exponential(3 / np.exp(x)), rng.uniform(0.5, 5, 240)
    unit = pl.DataFrame(
        {
            "subject_id": patient.astype(str),
            "unit_id": np.arange(240).astype(str),
            "cohort": np.where(patient < 70, "internal", "external"),
            "time": np.minimum(came, left),
            "event": (came <= left).astype(np.int64),
        }
    )
    noise = {"plain": 1.5, "better": 0.3}
    scores = {arm: 1 / (1 + np.exp(-(x + size * rng.normal(size=240)))) for arm, size in noise.items()}
    return pl.concat([unit.with_columns(arm=pl.lit(arm), score=score) for arm, score in scores.items()])


def view_of(name: str, judged: Judged) -> pl.DataFrame:
    """One of the further tables of an evaluation, of the estimands that it shows alone."""
    wanted = VIEWED[name]
    families = [one for one in estimands.FAMILIES if one.find(wanted) or one.asked(wanted)]
    with patch.object(rows, "FAMILIES", families):
        tidy = estimate.estimate(judged)
    if name == "recalibration":
        tidy = pl.DataFrame([*recalibrated_rows(judged)], schema=ESTIMATE_COLUMNS)
    table = VIEWS[name](tidy, judged.settings)
    return site_summaries(judged, table) if name == "sites" else table
