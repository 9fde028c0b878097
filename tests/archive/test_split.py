"""Patients are dealt and chosen whole, stratified, and by nothing but their ids, the labels and the seed."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from semeia.archive import label_subset, patient_folds
from semeia.errors import InputError


def _labels(negative: int, positive: int) -> pl.DataFrame:
    """Two units a patient; one positive unit makes the patient positive."""
    rows = [
        {
            "unit_id": f"{patient}/{unit}",
            "subject_id": patient,
            "value": float(patient > negative and unit == 1),
        }
        for patient in range(1, negative + positive + 1)
        for unit in range(2)
    ]
    return pl.DataFrame(rows)


@given(
    st.lists(st.sampled_from(["a", "b", None]), min_size=5, max_size=60),
    st.integers(2, 5),
    st.integers(0, 99),
)
def test_folds_are_even_overall_and_in_every_stratum(strata: list[str | None], folds: int, seed: int):
    subjects = pl.DataFrame({"subject_id": range(len(strata)), "stratum": pl.Series(strata, dtype=pl.String)})
    dealt = patient_folds(subjects, folds=folds, seed=seed)
    assert dealt["subject_id"].to_list() == list(range(len(strata)))
    assert dealt.equals(patient_folds(subjects.reverse(), folds=folds, seed=seed))
    for group in [dealt, *dealt.join(subjects, on="subject_id").partition_by("stratum")]:
        sizes = [group.filter(pl.col("fold") == fold).height for fold in range(folds)]
        assert max(sizes) - min(sizes) <= 1


def test_folds_depend_on_the_order_of_the_ids_and_the_seed():
    subjects = pl.DataFrame({"subject_id": range(20), "stratum": ["a"] * 20})
    shifted = subjects.with_columns(pl.col("subject_id") + 100)
    assert patient_folds(subjects)["fold"].equals(patient_folds(shifted)["fold"])
    assert not patient_folds(subjects, seed=1).equals(patient_folds(subjects, seed=2))


@pytest.mark.parametrize(("patients", "folds"), [(3, 5), (9, 1)])
def test_impossible_folds_are_refused(patients: int, folds: int):
    with pytest.raises(InputError, match=f"at least {folds} patients|2 or more"):
        patient_folds(pl.DataFrame({"subject_id": range(patients), "stratum": ["a"] * patients}), folds=folds)


def test_a_patient_twice_is_refused():
    with pytest.raises(InputError, match="twice"):
        patient_folds(pl.DataFrame({"subject_id": [1, 1, 2, 3, 4], "stratum": ["a"] * 5}))


@given(st.integers(2, 30), st.integers(2, 30), st.floats(0.01, 1), st.floats(0.01, 1), st.integers(0, 99))
def test_subsets_are_nested_stratified_and_not_too_small(
    negative: int, positive: int, small: float, large: float, seed: int
):
    small, large = sorted((small, large))
    labels = _labels(negative, positive)
    fewer, more = (set(label_subset(labels, share, seed=seed)) for share in (small, large))
    assert fewer <= more
    for count, members in (
        (negative, {s for s in more if s <= negative}),
        (positive, {s for s in more if s > negative}),
    ):
        assert len(members) == max(2, round(large * count))
    assert label_subset(labels.reverse(), 1.0, seed=seed) == list(range(1, negative + positive + 1))


def test_too_few_labels_are_refused_with_the_count():
    with pytest.raises(InputError, match="1 are labelled positive, and at least 2 are needed"):
        label_subset(_labels(5, 1), 0.5, seed=0)
    with pytest.raises(InputError, match="fraction is 0"):
        label_subset(_labels(5, 5), 0.0, seed=0)


def test_where_every_patient_has_units_of_both_classes_whole_patients_are_chosen():
    labels = pl.DataFrame([{"unit_id": f"{who}/{unit}", "subject_id": who, "value": float(unit)}
                           for who in range(20) for unit in range(2)])  # fmt: skip
    few, more = (label_subset(labels, fraction, seed=0) for fraction in (0.05, 0.5))
    assert len(few) == 2
    assert set(few) < set(more)
    assert len(more) == 10
