"""What cannot be used of a table is counted and said, a table lost whole is refused, and values are not lost."""

from pathlib import Path

import polars as pl
import pytest

from semeia.archive import Archive, audit, open_archive
from semeia.archive.duck import connected, limited
from semeia.errors import InputError
from semeia.readers import ingest_table

MAPPING = """
people: {from: patients, subject: id, birth: born}
events:
  labs: {from: labs, subject: id, time: t, code: code, value: v, unit: u, mode: measurement}
"""
BORN = "1950-02-03"


def ingest(folder: Path, labs: list[str], *, born: list[str] | None = None, mapping: str = MAPPING) -> Archive:
    """Patients CANARY-0, CANARY-1, ...; each row of `labs` is of the next: t,code,v,u."""
    source = folder / "source"
    source.mkdir(exist_ok=True)
    births = born or [BORN] * max(len(labs), 2)
    patients = "".join(f"CANARY-{n},{birth}\n" for n, birth in enumerate(births))
    (source / "patients.csv").write_text(f"id,born\n{patients}")
    rows = "".join(f"CANARY-{n},{row}\n" for n, row in enumerate(labs))
    (source / "labs.csv").write_text(f"id,t,code,v,u\n{rows}")
    (folder / "own.yaml").write_text(mapping)
    ingest_table(source, mapping=folder / "own.yaml", into=folder / "archive")
    return open_archive(folder / "archive")


def labs_of(archive: Archive) -> pl.DataFrame:
    events = pl.concat(list(archive.event_batches()))
    return events.filter(~pl.col("code").str.starts_with("MEDS_"))


@pytest.mark.parametrize(
    "time", ["01/15/2020", "15-JAN-20", "43831", "1578182400", "15.01.2020", "2020-01-15 10:20 PM"]
)
def test_a_table_none_of_whose_times_can_be_read_is_refused(tmp_path: Path, time: str):
    with pytest.raises(InputError, match=r"own, labs: none of its 2 rows can be used: 2 have a time \(t\)") as caught:
        ingest(tmp_path, [f"{time},K,1,", f"{time},K,2,"])
    assert "first in labs.csv, row 2, column t" in str(caught.value)
    assert time not in str(caught.value)
    assert not (tmp_path / "archive").exists()


def test_a_table_of_other_people_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match="2 are of nobody in the table of patients"):
        ingest(tmp_path, ["2020-01-01,K,1,", "2020-01-01,K,2,"], born=[BORN], mapping=MAPPING.replace(
            "events:\n  labs: {from: labs, subject: id", "events:\n  labs: {from: labs, subject: \"'X' || id\""
        ))  # fmt: skip


def test_a_share_that_is_lost_is_said_at_the_ingest_and_by_the_audit(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    archive = ingest(tmp_path, ["2020-01-01,K,1,", "01/15/2020,K,2,", ",K,3,", "0020-01-01,K,4,"])
    said = caplog.text
    assert "3 of 4 rows of labs were left out: 1 " in said
    assert "have a time (t) written like 99/99/9999" in said
    found = {finding.words: (finding.severity, finding.count) for finding in audit(archive).findings}
    assert found["events whose time cannot be read were left out"] == ("note", 1)
    assert found["events without a time were left out"] == ("note", 1)
    assert found["events at a time beyond belief (before 1600, after 2300) were left out"] == ("note", 1)
    assert [severity for words, (severity, _) in found.items() if words.startswith("rows of labs")] == ["warning"]
    assert labs_of(archive)["numeric_value"].to_list() == [1.0]


def test_a_row_in_a_hundred_is_counted_without_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    archive = ingest(tmp_path, ["2020-01-01,K,1,"] * 99 + ["soon,K,1,"])
    assert not caplog.records
    assert archive.parts[0]["notes"]["counted"]["events whose time cannot be read were left out"] == 1


def test_values_that_are_no_numbers_are_kept_as_text_and_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    given = ["<0.5", '"1,5"', ">300", "NEG", "20-50", "1 234", " 3.5 ", "1e3"]
    for mapping in (MAPPING, MAPPING.replace("value: v", "value: TRY_CAST(v AS DOUBLE)")):
        folder = tmp_path / str(len(mapping))
        folder.mkdir()
        archive = ingest(folder, [f"2020-01-01,K,{value}," for value in given], mapping=mapping)
        assert labs_of(archive).select("numeric_value", "text_value").rows() == [
            (None, "<0.5"), (None, "1,5"), (None, ">300"), (None, "NEG"), (None, "20-50"), (None, "1 234"),
            (3.5, None), (1000.0, None),
        ]  # fmt: skip
        assert archive.parts[0]["notes"]["counted"]["values that are no numbers were kept as text"] == 6
        assert "6 of 8 values of labs are no numbers and were kept as text" in caplog.text


def test_a_limit_of_detection_is_told_from_a_value(tmp_path: Path):
    mapping = MAPPING.replace("value: v", "value: \"ltrim(v, '<>')\", text: v")
    archive = ingest(tmp_path, ["2020-01-01,K,<6,", "2020-01-01,K,6,"], mapping=mapping)
    assert labs_of(archive).select("numeric_value", "text_value").rows() == [(6.0, "<6"), (6.0, None)]
    counted = archive.parts[0]["notes"]["counted"]
    assert counted["values are limits of detection: the number is the limit, the text says so"] == 1


def test_an_id_in_a_text_or_a_code_does_not_reach_the_archive(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    archive = ingest(
        tmp_path, ["2020-01-01,NOTE,seen CANARY-0 today,", "2020-01-01,VISIT/CANARY-1,,", "2020-01-01,K,ok,"]
    )
    assert labs_of(archive).select("code", "text_value").rows() == [("NOTE", None), ("VISIT/[id]", None), ("K", "ok")]
    words = "events hold their patient's id in a text, which was emptied, or in a code, where it was cut out"
    assert archive.parts[0]["notes"]["counted"][words] == 2
    assert f"2 {words}" in caplog.text
    texts = [archive.codes().write_csv(), str(archive.parts), labs_of(archive).write_csv()]
    assert not [text for text in texts if "CANARY" in text]


def test_births_that_cannot_be_are_emptied_and_said(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    births = ["0000-01-01", "9999-01-01", "99999-01-01", "-1", "01.02.1950", "> 89", "1950", BORN]
    archive = ingest(tmp_path, ["2020-01-01,K,1,"], born=births)
    assert [str(birth) for birth in archive.table("subjects")["birth"]] == ["None"] * 7 + [BORN]
    assert "7 of 8 dates of birth that cannot be read" in caplog.text


def test_ages_that_nobody_reaches_are_a_finding(tmp_path: Path):
    archive = ingest(tmp_path, ["2020-01-01,K,1,"] * 3, born=["1720-01-01", "1905-01-01", BORN])
    found = {finding.words: finding.count for finding in audit(archive).findings}
    assert found["patients are older than 120 at an event: no age"] == 1


def test_patients_that_differ_are_refused_with_what_differs(tmp_path: Path):
    with pytest.raises(InputError, match=r"1 patients have several rows \(2 together\) that differ in birth; give"):
        ingest(tmp_path, ["2020-01-01,K,1,"] * 2, mapping=MAPPING.replace("from: patients", "from: \"(SELECT * FROM "
               "patients UNION ALL SELECT id, '1951-01-01' FROM patients WHERE id = 'CANARY-1')\""))  # fmt: skip


COPY = "COPY (SELECT 1) TO 'SOURCE/labs.csv'"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("events:", f'prepare:\n  x: "SELECT * FROM labs; {COPY}"\nevents:'),
        ("events:", f'prepare:\n  x: "{COPY}"\nevents:'),
        ("events:", "prepare:\n  x: SET memory_limit = '100GB'\nevents:"),
        ("events:", f'counts:\n  x: "SELECT count(*) FROM labs; {COPY}"\nevents:'),
        ("events:", "counts:\n  x: ''\nevents:"),
        ("from: labs", f'from: "labs) r; {COPY}; SELECT * FROM (SELECT * FROM labs"'),
        ("code: code", f'code: "code)) FROM labs; {COPY}; SELECT ((1"'),
        ("birth: born", f'birth: "born) FROM patients; {COPY}; SELECT (born"'),
    ],
)
def test_a_mapping_writes_nothing_and_sets_nothing(tmp_path: Path, old: str, new: str):
    with pytest.raises(InputError, match=r"exactly one SELECT|syntax error"):
        ingest(tmp_path, ["2020-01-01,K,1,"], mapping=MAPPING.replace(old, new.replace("SOURCE", f"{tmp_path}/source")))
    assert (tmp_path / "source" / "labs.csv").read_text().startswith("id,t,code,v,u\n")
    assert not (tmp_path / "archive").exists()


def test_settings_are_locked(tmp_path: Path):
    import duckdb

    with connected(tmp_path, reads=tmp_path) as held:
        for setting in ("memory_limit = '100GB'", "threads = 64", "lock_configuration = false"):
            with pytest.raises(duckdb.Error):
                held.execute(f"SET {setting}").fetchall()


def test_an_endless_query_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("semeia.archive.duck.MOST_MINUTES", 0.01)
    with (
        connected(tmp_path) as connection,
        pytest.raises(InputError, match=r"pairs: stopped after 0.01 minutes; does a join lack its condition"),
        limited(connection, "pairs"),
    ):
        connection.execute("SELECT sum(a.range * b.range) FROM range(10000000) a, range(10000000) b").fetchall()
