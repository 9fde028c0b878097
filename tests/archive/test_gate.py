"""The identity gate: what betrays persons is refused with kinds and counts, dates move by patient, ages end at 90."""

import datetime as dt
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image, ImageDraw, ImageFont

from semeia.archive import PRIVACY, Privacy, Writer, open_archive, writing
from semeia.archive.burned_in import text_places
from semeia.archive.identifiers import in_texts, numbers_of_persons, of_person, without_concepts
from semeia.archive.keys import key_given, new_key, own_key
from semeia.errors import InputError
from semeia.readers import read_dates

ID = "MRN-00471182"
WORDS = {
    "addresses of e-mail": "write to jane.roe@clinic.example",
    "telephone numbers": "call +41 44 123 45 67",
    "insurance or social security numbers": "AHV 756.1234.5678.97",
    "dates of birth": "born 12.03.1956",
    "names of persons": "seen by Dr. Muster",
    "names of files": "scan_0012.dcm",
    "ids of patients": f"as {ID} said",
}
FINE = (
    "No effusion. Grade 2.",
    "120/80 mmHg",
    "2020-01-31",
    "RxNorm 861007",
    "LOINC 4548-4",
    "12.5 MG / 20 MG",
    "7.4 - 7.6",
)
BORN = dt.date(1900, 2, 3)


def draft_of(draft: Writer, text: str | None = None, **covariates: str | float) -> None:
    number, _ = draft.subject(ID, birth=BORN)
    draft.unit("u", number, "scan", time=dt.datetime(2020, 1, 5), covariates=covariates)
    if text is not None:
        draft.report("u", number, text=text)


def page(text: str = "", *, at: tuple[int, int] = (6, 6)) -> np.ndarray:
    """A smooth picture of 256 x 256 with a line of text on it."""
    down, across = np.mgrid[:256, :256] / 255
    made = Image.fromarray((90 + 60 * down * across).astype(np.uint8))
    ImageDraw.Draw(made).text(at, text, fill=255, font=ImageFont.load_default(size=13))
    return np.asarray(made)


@pytest.mark.parametrize("what", WORDS)
def test_texts_that_betray_a_person_are_refused_without_being_repeated(tmp_path: Path, what: str):
    with (
        pytest.raises(InputError, match=rf"1 {what} \(reports.text\)") as refused,
        writing(tmp_path / "a", source="t") as d,
    ):
        draft_of(d, WORDS[what])
    assert WORDS[what] not in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_concepts_of_snomed_are_no_insurance_numbers():
    codes = pl.Series(["SNOMED/112011000119102", "SNOMEDCT//112011000119102", "dm+d/112011000119102"])
    assert in_texts(codes)  # as French numbers of insurance are written
    assert in_texts(without_concepts(codes)) == {}
    assert in_texts(without_concepts(pl.Series(["LOCAL/112011000119102", "SNOMED/1 756.1234.5678.97"])))


def test_texts_of_medicine_pass():
    assert in_texts(pl.Series(FINE)) == {}


@pytest.mark.parametrize(
    "name", ["patient_name", "Last Name", "Nachname", "e-mail", "Phone", "MRN", "date of birth", "case_no", "file name"]
)
def test_columns_of_persons_are_known_by_their_names(name: str):
    assert of_person(name)


@pytest.mark.parametrize(
    "name", ["age", "sex", "diameter_mm", "side", "drug_name", "birth", "slice_position", "phone_call_count"]
)
def test_columns_of_medicine_are_not(name: str):
    assert not of_person(name)


def test_covariates_that_name_people_or_number_them_are_refused(tmp_path: Path):
    with (
        pytest.raises(InputError, match=r"column that is one of persons or files \(units.surname\)"),
        writing(tmp_path / "a", source="t") as d,
    ):
        draft_of(d, surname="x")
    assert numbers_of_persons(pl.Series(range(400_000, 400_020)))
    assert not numbers_of_persons(pl.Series([400_000] * 20))
    assert not numbers_of_persons(pl.Series([1.5e5 + part / 3 for part in range(20)]))


def test_free_text_among_events_is_told_from_chosen_words(tmp_path: Path):
    def record(texts: list[str]) -> None:
        with writing(tmp_path / "a", source="t") as draft:
            number, _ = draft.subject(ID)
            draft.codes(pl.DataFrame({"code": ["C"], "mode": ["other"], "rule": ["test"]}))
            draft.events(
                pl.DataFrame(
                    {
                        "subject_id": [number] * len(texts),
                        "time": [dt.datetime(2020, 1, 1)] * len(texts),
                        "code": ["C"] * len(texts),
                        "text_value": texts,
                    }
                )
            )

    said = [f"she walked about the ward {n} times and slept well" for n in range(40)]
    with pytest.raises(InputError, match=r"40 free text \(events.text_value\)"):
        record(said)
    record([said[0], said[1]] * 40)


@pytest.mark.parametrize("at", [(6, 6), (110, 230)])
def test_text_burned_into_a_picture_is_seen(tmp_path: Path, at: tuple[int, int]):
    def ingest(pictures: list[np.ndarray], accept: str = "") -> None:
        with writing(tmp_path / "a", source="t", privacy=Privacy(accept=accept)) as draft:
            draft_of(draft)
            for picture in pictures:
                draft.image(picture, unit_id="u", subject_id=1, kind="picture", intensity="display")

    clean, written = page(), page("DOE, JANE 1950-03-09", at=at)
    where = "upper left" if at[1] < 128 else "lower"
    assert text_places(clean) == []
    assert text_places(np.stack([written] * 3, 2))[0].startswith(where)
    with pytest.raises(InputError, match=rf"1 pictures with what looks like burned-in text \({where}"):
        ingest([clean, written])
    ingest([clean, written], accept="looked at both")
    listing = json.loads((tmp_path / "a" / "archive.json").read_text())
    assert listing["identity"]["accepted"] == ["looked at both"]
    assert not listing["identity"]["de_identified"]
    assert listing["parts"][0]["notes"]["identity"]["found"][0].startswith("1 pictures")


def test_noise_and_small_pictures_have_no_text():
    rng = np.random.default_rng(0)
    for _ in range(20):
        assert text_places(rng.integers(0, 256, (162, 300), np.uint8)) == []
        assert text_places(rng.normal(120, 25, (200, 200)).clip(0, 255).astype(np.uint8)) == []
    assert text_places(page("DOE, JANE")[:40]) == []


def test_grain_on_shading_has_no_text():
    rng = np.random.default_rng(0)
    y, x = np.mgrid[0:64, 0:64] / 64
    alarms = 0
    for _ in range(300):
        shading = 0.5 + 0.3 * np.sin(6 * x + rng.uniform(0, 6)) * np.cos(5 * y + rng.uniform(0, 6))
        grainy = (shading + rng.normal(0, 0.05, shading.shape)).clip(0, 1)
        alarms += bool(text_places((grainy * 255).astype(np.uint8)))
    assert alarms <= 1


def test_dates_move_by_patient_and_keep_their_distances(tmp_path: Path):
    def times(path: Path, privacy: Privacy) -> pl.DataFrame:
        with writing(path, source="t", key=tmp_path / "key", privacy=privacy) as draft:
            for person in range(8):
                number, _ = draft.subject(f"person-{person}", birth=BORN)
                for part, day in enumerate((dt.datetime(2020, 2, 28, 13), dt.datetime(2020, 3, 1, 7))):
                    draft.unit(f"{person}-{part}", number, "scan", time=day)
                    draft.outcome("x", f"{person}-{part}", number, value=1, prediction_time=day)
        archive = open_archive(path)
        joined = (
            archive.table("units")
            .join(archive.outcome("x"), on="unit_id")
            .join(archive.table("subjects"), on="subject_id")
        )
        assert joined["time"].equals(joined["prediction_time"], check_names=False)
        return joined.sort("unit_id").select("subject_id", "time", "birth")

    (tmp_path / "key").write_text(new_key().hex())
    (tmp_path / "key").chmod(0o600)
    before, after = times(tmp_path / "a", PRIVACY), times(tmp_path / "b", Privacy(shift_dates=True))
    days = (after["time"] - before["time"]).dt.total_seconds() / 86400
    assert days.to_list()[::2] == days.to_list()[1::2]
    assert all(day == int(day) and 1 <= abs(day) <= 365 for day in days)
    assert len(set(days)) > 4
    assert ((after["birth"] - before["birth"]).dt.total_days() == days).all()
    assert open_archive(tmp_path / "b").identity["dates"] == "moved"
    with writing(tmp_path / "b", source="more", key=tmp_path / "key") as draft:  # what an archive began with goes on
        draft.unit("late", draft.subject("person-0", birth=BORN)[0], "scan", time=dt.datetime(2020, 3, 2, 7))
    late = open_archive(tmp_path / "b").table("units").filter(pl.col("unit_id") == "late")["time"][0]
    assert late - after["time"][1] == dt.timedelta(days=1)
    (tmp_path / "dates.csv").write_text("patient_id,time\nperson-0,2020-03-02 07:00\n")
    assert read_dates(tmp_path / "dates.csv", open_archive(tmp_path / "b"), key=tmp_path / "key")[0]["time"][0] == late
    with (
        pytest.raises(InputError, match="begun without"),
        writing(tmp_path / "a", source="m", key=tmp_path / "key", privacy=Privacy(cap_ages=True)),
    ):
        pass


def test_nobody_is_older_than_90(tmp_path: Path):
    with writing(tmp_path / "a", source="t", privacy=Privacy(cap_ages=True)) as draft:
        draft.codes(pl.DataFrame({"code": ["MEDS_BIRTH", "C"], "mode": ["demographic", "other"], "rule": ["r", "r"]}))
        for person, born in enumerate((BORN, dt.date(1980, 5, 5))):
            number, _ = draft.subject(f"person-{person}", birth=born)
            seen = [dt.datetime.combine(born, dt.time()), dt.datetime(2020, 2, 29)]
            draft.events(pl.DataFrame({"subject_id": [number] * 2, "time": seen, "code": ["MEDS_BIRTH", "C"]}))
    archive = open_archive(tmp_path / "a")
    births = [dt.date(1930, 2, 28), dt.date(1980, 5, 5)]
    assert archive.table("subjects")["birth"].to_list() == births
    events = pl.concat(archive.event_batches()).filter(pl.col("code") == "MEDS_BIRTH")
    assert events["time"].dt.date().to_list() == births


def test_moved_and_capped_without_an_exception_is_marked_as_de_identified(tmp_path: Path):
    with writing(tmp_path / "a", source="t", privacy=Privacy(shift_dates=True, cap_ages=True)) as draft:
        draft_of(draft, "No effusion.")
    assert open_archive(tmp_path / "a").identity["de_identified"] is True
    with writing(tmp_path / "a", source="u", privacy=Privacy(accept="a test")) as draft:
        draft.report("u", 1, text="Herr Muster")
    assert open_archive(tmp_path / "a").identity["de_identified"] is False


def test_the_key_is_private_and_away_from_what_is_shared(tmp_path: Path):
    key = tmp_path / "key"
    key.write_text(new_key().hex())
    key.chmod(0o644)
    with pytest.raises(InputError, match="others than its owner may read the key"):
        key_given(key)
    with writing(tmp_path / "a", source="t") as draft:
        draft_of(draft)
    assert own_key(tmp_path / "a") == tmp_path / "a.key"
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "run.json").write_text("{}")
    for folder in ("a", "run"):
        inside = tmp_path / folder / "my.key"
        inside.write_text(new_key().hex())
        inside.chmod(0o600)
        with pytest.raises(InputError, match=f"lies in {folder}, and would be shared"):
            key_given(inside)
