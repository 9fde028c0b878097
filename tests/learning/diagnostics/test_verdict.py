"""The verdict knows a collapsed, a healthy, an undecided and a signal-free embedding."""

from semeia.learning.diagnostics.verdict import verdict, verdict_on_retrieval

FINE = {
    "paired_loss": 0.2,
    "shuffled_loss": 0.4,
    "paired_to_shuffled": 0.5,
    "image_std_median": 0.5,
    "image_effective_rank": 30.0,
    "reading_std_median": 0.4,
    "reading_effective_rank": 9.0,
    "r2_image_to_reading": 0.3,
    "r2_image_to_reading_shuffled": -0.05,
    "r2_reading_to_image": 0.01,
    "r2_reading_to_image_shuffled": -0.02,
}


def test_verdicts():
    assert verdict(FINE) == (
        "Healthy: hidden parts are predicted better for the right patient (ratio 0.50). Pretraining carries "
        "cross-modal signal (image to reading R2 0.30, reading to image R2 0.01)."
    )
    assert verdict(FINE | {"image_std_median": 0.01, "reading_effective_rank": 1.2}) == (
        "Collapsed: the embedding hardly differs between patients: image (median deviation 0.010, below 0.05); "
        "reading (effective rank 1.2, below 2). Do not use this encoder."
    )
    # The rank alone misleads: it is a collapse only where nothing is predicted for the right patient either.
    narrow = verdict(FINE | {"reading_effective_rank": 3.2})
    assert narrow.startswith("Healthy")
    assert "uses few directions (reading: effective rank 3.2, below 4)" in narrow
    assert verdict(FINE | {"reading_effective_rank": 3.2, "paired_to_shuffled": 0.99}).startswith("Collapsed")
    assert verdict(FINE | {"reading_effective_rank": 1.2}).startswith("Collapsed")
    assert verdict(FINE | {"paired_to_shuffled": 1.0}).startswith("No signal")
    assert "does not carry cross-modal signal" in verdict(FINE | {"r2_image_to_reading": -0.04})
    alone = {name: value for name, value in FINE.items() if not name.startswith("r2_")}
    assert "One modality only" in verdict(alone)
    assert verdict({"watched_units": 3.0}).startswith("Not measured")


def test_so_few_patients_that_it_can_be_chance_decide_nothing():
    assert verdict(FINE | {"paired_to_shuffled_high": 0.99}).startswith("Healthy")
    assert "can be chance (up to 1.08)" in verdict(FINE | {"paired_to_shuffled_high": 1.08})


def test_the_verdict_names_the_clearest_pair_across_dates():
    measures = {"paired_loss": 0.2, "shuffled_loss": 0.4, "paired_to_shuffled": 0.5, "image_std_median": 0.5}
    lags = {"ratio_image_to_image_same_date": 0.1, "ratio_image_to_reading_over_a_year": 0.7}
    assert "Across dates the clearest is image to reading over a year (ratio 0.70)" in verdict(measures | lags)
    flat = lags | {"ratio_image_to_reading_over_a_year": 1.0}
    assert "Across dates nothing is predicted." in verdict(measures | flat)
    assert "Across dates" not in verdict(measures)


def test_what_the_words_on_retrieval_hang_on():
    fine = {
        "image_std_median": 0.5,
        "image_effective_rank": 12.0,
        "retrieved": 0.6,
        "retrieved_by_chance": 0.01,
    }
    assert verdict_on_retrieval(fine).startswith(
        "Healthy: another view of the same unit is the nearest in 60% (chance 1.0%)"
    )
    # Collapse comes first: with next to no spread, recognising may be rounding.
    collapsed = verdict_on_retrieval(fine | {"image_std_median": 0.04})
    assert collapsed.startswith("Collapsed")
    assert "(median deviation 0.040, below 0.05)" in collapsed
    # A low rank alone is none, where units are recognised; it is said.
    narrow = verdict_on_retrieval(fine | {"image_effective_rank": 3.9})
    assert narrow.startswith("Healthy")
    assert narrow.endswith("uses few directions (effective rank 3.9, below 4).")
    both = verdict_on_retrieval(fine | {"image_effective_rank": 3.9, "retrieved": 0.029})
    assert both.startswith("Collapsed")
    assert "(effective rank 3.9, below 4)" in both
    assert verdict_on_retrieval(fine | {"retrieved": 0.029}).startswith("No signal")
    # Three of a hundred are three times chance, and chance alone gives as many one time in twelve.
    assert verdict_on_retrieval(fine | {"retrieved": 0.031}).startswith("Undecided")
    assert verdict_on_retrieval(fine | {"retrieved": 0.04}).startswith("Healthy")
    assert verdict_on_retrieval({"watched_units": 3.0}).startswith("Not measured")
