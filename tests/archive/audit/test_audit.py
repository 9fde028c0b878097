"""An audit counts, finds what is missing and what is suspicious; a damaged archive is only that."""

from pathlib import Path

import polars as pl
import pytest

from archive_folder import rewrite, small_archive
from semeia import cli
from semeia.archive import audit, open_archive, writing
from semeia.archive.audit.copies import refuse_copies


def test_an_audit_counts_and_orders_what_it_finds(tmp_path: Path):
    small_archive(tmp_path / "a", 4)
    result = audit(open_archive(tmp_path / "a"))
    assert result.clean
    assert result.counts.filter(what="outcomes").rows() == [
        ("outcomes", "malignancy = 0", 2, 2),
        ("outcomes", "malignancy = 1", 2, 2),
    ]
    assert result.missing.filter(table="subjects", column="sex").rows() == [("subjects", "sex", 4, 1.0)]
    assert [finding.severity for finding in result.findings] == ["warning", "note"]
    text = str(result)
    for words in ("img8 per_slice_stretched", "subjects.sex", "diameter_mm alone ranks", "CANARY"):
        assert (words in text) == (words != "CANARY")


def test_partly_missing_covariates_are_noted(tmp_path: Path):
    small_archive(tmp_path / "a", 3)
    with writing(tmp_path / "a", source="more") as draft:
        subject_id, _ = draft.subject("CANARY-9")
        draft.unit("u", subject_id, "nodule", covariates={"kernel": "B"})
    words = [finding.words for finding in audit(open_archive(tmp_path / "a")).findings]
    assert "units (75%) have no kernel" in words
    assert "units (25%) have no diameter_mm" in words


def test_a_damaged_archive_is_an_error_and_nothing_else_is_said(tmp_path: Path):
    small_archive(tmp_path / "a", 2)
    (tmp_path / "a" / "pixels" / "0001.bin").write_bytes(b"")
    result = audit(open_archive(tmp_path / "a"))
    assert not result.clean
    assert result.counts.is_empty()
    assert "0001.bin: the content has changed" in str(result)


def test_a_tiny_archive_without_images_or_outcomes_can_be_audited(tmp_path: Path):
    with writing(tmp_path / "a", source="test") as draft:
        subject_id, pseudonym = draft.subject("CANARY-1")
        draft.patient_unit(subject_id, pseudonym)
    result = audit(open_archive(tmp_path / "a"))
    assert result.findings == ()
    assert "Findings\n  none" in str(result)


def test_an_archive_of_an_older_version_is_read_and_audited(tmp_path: Path):
    """Its images have no percentiles, bits, format and look, and no model is refused for that."""
    small_archive(tmp_path / "a", 12)
    name = "images/0001.parquet"
    older = pl.read_parquet(tmp_path / "a" / name).drop("percentiles", "bits", "format", "look")
    rewrite(tmp_path / "a", name, older, schema_version=2)
    archive = open_archive(tmp_path / "a")
    refuse_copies(archive)
    assert archive.table("images")["look"].null_count() == 12
    words = [finding.words for finding in audit(archive).findings]
    assert "labelled units: diameter_mm alone ranks the outcome malignancy with AUROC 1.00" in words


def test_an_audit_that_finds_errors_says_them_and_does_not_exit_with_0(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    small_archive(tmp_path / "a", 2)
    assert cli.main(["audit", str(tmp_path / "a")]) == 0
    (tmp_path / "a" / "pixels" / "0001.bin").write_bytes(b"changed")
    capsys.readouterr()
    assert cli.main(["audit", str(tmp_path / "a")]) == 2
    said = capsys.readouterr()
    assert "pixels/0001.bin: the content has changed" in said.out
    assert said.err.startswith(f"semeia: {tmp_path / 'a'}: the audit found 1 kind(s) of error; mend them")
