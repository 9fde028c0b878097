"""With the key and the hospital's own table a pseudonym leads back to an id; without either it leads nowhere."""

from pathlib import Path

import pytest

from semeia import cli
from semeia.archive import Archive, open_archive, writing
from semeia.archive.keys import own_key
from semeia.errors import InputError
from semeia.readers import whois


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    with writing(tmp_path / "a", source="test") as draft:
        for place, (original, site) in enumerate((("A1", "north"), ("12", None), ("B2", "south"))):
            draft.unit(f"u{place}", draft.subject(original, site=site)[0], "scan")
    (tmp_path / "t.csv").write_text("patient;x\nB2;1\n12.0;2\nA1;3\n12;4\nC3;5\n")
    return open_archive(tmp_path / "a")


def names(archive: Archive) -> list[str]:
    return archive.table("subjects")["pseudonym"].to_list()


def test_ids_are_found_at_every_site(archive: Archive, tmp_path: Path):
    asked = ",".join(names(archive))
    found = whois(archive.path, table=tmp_path / "t.csv", subject="patient", pseudonym=asked)
    assert found.rows() == [(names(archive)[0], "A1", 4), (names(archive)[1], "12.0", 3), (names(archive)[2], "B2", 2)]


def test_a_table_of_predictions_may_ask(archive: Archive, tmp_path: Path):
    (tmp_path / "p.csv").write_text(f"subject_id,score\n{names(archive)[2]},.5\n")
    found = whois(archive.path, table=tmp_path / "t.csv", subject="patient", of=tmp_path / "p.csv")
    assert found["id"].to_list() == ["B2"]


def test_the_key_is_needed(archive: Archive, tmp_path: Path):
    own_key(archive.path).rename(tmp_path / "key")
    given = {"table": tmp_path / "t.csv", "subject": "patient", "pseudonym": names(archive)[0]}
    with pytest.raises(InputError, match="key is kept elsewhere"):
        whois(archive.path, **given)
    assert whois(archive.path, **given, key=tmp_path / "key")["id"].to_list() == ["A1"]


def test_who_is_not_there_is_counted(archive: Archive, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(InputError, match="1 of 1 pseudonyms are not of this archive"):
        whois(archive.path, table=tmp_path / "t.csv", subject="patient", pseudonym="p0")
    with pytest.raises(InputError, match="nobody is asked for"):
        whois(archive.path, table=tmp_path / "t.csv", subject="patient")
    (tmp_path / "t.csv").write_text("patient,x\nA1,1\n")
    asked = ["whois", str(archive.path), "--table", str(tmp_path / "t.csv"), "--subject", "patient"]
    assert cli.main([*asked, "--pseudonym", ",".join(names(archive)[:2])]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines() == ["pseudonym\tid\trow", f"{names(archive)[0]}\tA1\t2"]
    assert "1 of 2 patients are not in" in err
    assert "A1" not in err
    assert cli.main([*asked, "--pseudonym", names(archive)[1]]) == 2
