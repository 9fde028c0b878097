"""What ranks a label without the disease is found; what does so by chance, or not at all, is not."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

from archive_folder import small_archive
from semeia.archive import Finding, open_archive, writing
from semeia.archive.audit.shortcuts import group_auroc, rank_auroc, shortcuts


def _words(found: list[Finding]) -> dict[str, int]:
    return {f"{finding.severity}: {finding.words}": finding.count for finding in found}


def test_auroc_agrees_with_scikit_learn_ties_included():
    value = pl.Series([0.0, 1, 0, 1, 1, 0, 0, 1])
    signal = pl.Series([1.0, 2, 2, 3, 2, 2, 0, 1])
    assert rank_auroc(value, signal) == pytest.approx(roc_auc_score(value, signal))
    assert rank_auroc(pl.Series([1.0, 1.0]), pl.Series([1.0, 2.0])) is None
    assert rank_auroc(pl.Series([1.0, 0.0, 0.0]), pl.Series([1.0, 0.0, None])) == 1.0


def test_auroc_of_groups_is_that_of_their_share_of_positives():
    rng = np.random.default_rng(0)
    group = rng.integers(0, 4, 200)
    positive = rng.random(200) < np.array([0.1, 0.7, 0.3, 0.9])[group]
    share = [positive[group == own].mean() for own in group]
    found = group_auroc(pl.Series(positive), pl.Series([f"g{number}" for number in group]))
    assert found == pytest.approx(roc_auc_score(positive, share))


def test_groups_that_rank_by_chance_are_no_shortcut():
    rng = np.random.default_rng(1)
    positive = pl.Series(rng.random(60) < 0.5)
    many = pl.Series([f"g{number}" for number in rng.integers(0, 30, 60)])
    share = pl.DataFrame({"p": positive, "g": many}).select(pl.col("p").mean().over("g"))["p"]
    assert roc_auc_score(positive, share) > 0.7  # in sample, small groups rank the labels they were made from
    assert group_auroc(positive, many) is None
    assert group_auroc(positive, pl.Series(["one"] * 60)) is None


def _pictures(path: Path, made, *, grades: bool = False, **known) -> list[str]:
    """Shortcuts of 24 pictures, every second positive; `made` gives each its array, `known` facts of its patient."""
    with writing(path, source="test") as draft:
        for place in range(24):
            facts = {name: fact(place % 2) for name, fact in known.items() if name == "site"}
            subject_id, pseudonym = draft.subject(str(place), **facts)
            covariates = {name: fact(place % 2) for name, fact in known.items() if name != "site"}
            unit_id = draft.unit(f"{pseudonym}/n", subject_id, "image", covariates=covariates)
            array = made(np.random.default_rng(place), place % 2)
            draft.image(array, unit_id=unit_id, subject_id=subject_id, kind="picture", intensity="display")
            draft.outcome("label", unit_id, subject_id, value=3 * (place % 2) + place // 12 if grades else place % 2)
    return [finding.words for finding in shortcuts(open_archive(path))]


def _noise(rng: np.random.Generator, positive: int) -> np.ndarray:
    return rng.integers(0, 256, (9, 9), dtype=np.uint8)


@pytest.mark.parametrize(
    ("what", "made", "known"),
    [
        ("the site", _noise, {"site": lambda positive: "ns"[positive]}),
        ("the site", _noise, {"site": lambda positive: "north" if positive else None}),
        ("scanner", _noise, {"scanner": lambda positive: "AB"[positive]}),
        ("contrast", _noise, {"contrast": bool}),
        ("the shape of the image", lambda rng, positive: _noise(rng, 0)[: 9 - positive], {}),
        ("the number of pixels of the image", lambda rng, positive: _noise(rng, 0)[: 9 - positive], {}),
        ("the shape of the image", lambda rng, positive: rng.integers(0, 256, (9, 9, 3)[: 2 + positive], np.uint8), {}),
        ("the pixel type of the image", lambda rng, positive: _noise(rng, 0).astype(("u1", "u2")[positive]), {}),
        ("the bit depth of the image", lambda rng, positive: _noise(rng, 0) >> 4 * positive, {}),
    ],
)
def test_site_scanner_and_form_of_the_image_are_shortcuts(tmp_path: Path, what: str, made, known):
    assert f"labelled units: {what} alone ranks the outcome label with AUROC 1.00" in _pictures(
        tmp_path / "a", made, **known
    )


def test_pictures_of_one_form_have_no_shortcut_and_grades_are_asked_too(tmp_path: Path):
    assert _pictures(tmp_path / "a", _noise, site=lambda positive: "north") == []
    words = _pictures(tmp_path / "b", _noise, grades=True, site=lambda positive: "ns"[positive])
    assert words == ["labelled units: the site alone ranks the outcome label (above 1) with AUROC 1.00"]


def test_size_presence_and_one_class_are_shortcuts(tmp_path: Path):
    small_archive(tmp_path / "a", 6)
    with writing(tmp_path / "a", source="more") as draft:
        for place in range(4):
            subject_id, pseudonym = draft.subject(f"bare-{place}")
            draft.unit(f"{pseudonym}/n00", subject_id, "nodule")
            draft.outcome("death", f"{pseudonym}/n00", subject_id, value=0)
            draft.outcome("malignancy", f"{pseudonym}/n00", subject_id, value=0)
            draft.outcome("cancer", draft.patient_unit(subject_id, pseudonym), subject_id, value=0)
        for place in range(2):
            subject_id, pseudonym = draft.subject(f"CANARY-{place}", site="north")
            draft.outcome("cancer", draft.patient_unit(subject_id, pseudonym), subject_id, value=1)
    ranks = "warning: labelled units: {} alone ranks the outcome {} with AUROC {}"
    assert _words(shortcuts(open_archive(tmp_path / "a"))) == {
        ranks.format("whether there is an image of kind img8", "cancer", "1.00"): 6,
        "warning: outcome death: all labels are the same": 4,
        ranks.format("whether there is an image of kind img8", "malignancy", "0.79"): 10,
        ranks.format("diameter_mm", "malignancy", "1.00"): 6,
    }
