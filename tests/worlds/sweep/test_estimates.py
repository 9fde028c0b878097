"""Values with intervals from the areas of many seeds."""

import numpy as np
import polars as pl
import pytest

from semeia.worlds.sweep.estimates import Areas, areas_of, label_equivalence, results


def table(means: dict[tuple[int, str], float], *, seeds: int = 8, between: float = 0.02) -> pl.DataFrame:
    """Areas by (labels, arm) around given means; a seed's difference from them is the same for all arms."""
    rng = np.random.default_rng(0)
    by_seed = between * rng.standard_normal(seeds)
    within = 0.005 * rng.standard_normal((seeds, 200))
    rows = [
        (
            "lam",
            "1",
            labels,
            seed,
            "internal",
            arm,
            mean + by_seed[seed],
            (mean + by_seed[seed] + within[seed]).tolist(),
        )
        for (labels, arm), mean in means.items()
        for seed in range(seeds)
    ]
    columns = ["sweep", "value", "labels", "seed", "cohort", "arm", "auroc", "draws"]
    return pl.DataFrame(rows, schema=columns, orient="row")


def test_a_paired_difference_does_not_feel_what_moves_both_arms():
    found = areas_of(table({(60, "scratch"): 0.7, (60, "jepa"): 0.75}))
    rows = results(found, references=("scratch",))
    level = rows.row(by_predicate=(pl.col("arm") == "jepa") & (pl.col("reference") == ""), named=True)
    difference = rows.row(by_predicate=pl.col("reference") == "scratch", named=True)
    assert level["high"] - level["low"] > 0.015
    assert level["low"] < level["auroc"] < level["high"]
    assert difference["auroc"] == pytest.approx(0.05)
    assert difference["high"] - difference["low"] < 1e-6
    assert difference["seeds"] == 8


def test_the_best_simple_arm_is_one_of_them_everywhere():
    found = areas_of(table({(60, "ridge"): 0.7, (60, "boosting"): 0.6, (60, "canonical"): 0.72, (60, "scratch"): 0.9}))
    arms = found["lam", "1", 60, "internal"]
    assert arms["best_simple"].estimate == arms["canonical"].estimate


def test_one_sided_p_is_that_of_students_t():
    from scipy.stats import ttest_1samp

    values = np.array([0.02, 0.05, -0.01, 0.04])
    areas = Areas(values, np.zeros(1))
    assert areas.above_0 == pytest.approx(ttest_1samp(values, 0, alternative="greater").pvalue)  # pyright: ignore[reportAttributeAccessIssue]
    assert np.isnan(Areas(values[:1], np.zeros(1)).above_0)


def test_label_equivalence_reads_the_references_curve_at_the_arms_height():
    curve = {(60, "scratch"): 0.6, (240, "scratch"): 0.7, (960, "scratch"): 0.8}
    arm = {(60, "jepa"): 0.65, (240, "jepa"): 0.55, (960, "jepa"): 0.85}
    found = label_equivalence(areas_of(table(curve | arm)), arm="jepa", reference="scratch").sort("labels")
    assert found["needed"].to_list() == [pytest.approx(120), 60.0, np.inf]
    assert found["low"][0] == pytest.approx(120, rel=0.01)
