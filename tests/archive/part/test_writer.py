"""What a draft accepts: patients and units once, facts that agree, rows of known units."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from archive_folder import small_archive
from semeia.archive import Writer, open_archive, writing
from semeia.errors import InputError


def test_subjects_are_numbered_in_order_and_recognised(tmp_path: Path):
    with writing(tmp_path / "a", source="test") as draft:
        first = draft.subject("b")
        assert draft.subject("a")[0] == 2
        assert draft.subject("b") == first
        assert draft.subject("b", site="north") != first
    with writing(tmp_path / "a", source="test") as draft:
        assert draft.subject("b") == first
        assert draft.subject("c")[0] == 4


def test_a_patient_in_two_splits_is_refused_even_across_parts(tmp_path: Path):
    small_archive(tmp_path / "a", split=True)
    with (
        pytest.raises(InputError, match=r"subject p.*two values of split"),
        writing(tmp_path / "a", source="t") as draft,
    ):
        draft.subject("CANARY-0", site="north", split="test")
    with (
        pytest.raises(InputError, match="must be one of train, val, test"),
        writing(tmp_path / "b", source="t") as draft,
    ):
        draft.subject("1", split="dev")


def test_what_is_there_already_is_refused_with_the_count(tmp_path: Path):
    small_archive(tmp_path / "a", 3)
    words = "refused: 3 of 5 units are already in the archive; nothing was written"
    with pytest.raises(InputError, match=words):
        small_archive(tmp_path / "a", 5)
    assert len(open_archive(tmp_path / "a").parts) == 1


def test_images_readings_and_labels_of_known_units_can_follow_but_not_twice(tmp_path: Path):
    small_archive(tmp_path / "a", 2)

    def follow(item: str, outcome: str) -> None:
        with writing(tmp_path / "a", source="more") as draft:
            subject_id, pseudonym = draft.subject("CANARY-0", site="north")
            draft.reading(f"{pseudonym}/n00", subject_id, reader="input", item=item, value=1)
            draft.outcome(outcome, f"{pseudonym}/n00", subject_id, value=1)

    follow("margin", "death")
    assert open_archive(tmp_path / "a").outcomes() == ["death", "malignancy"]
    with pytest.raises(InputError, match="1 of 1 rows of readings are already"):
        follow("margin", "other")
    with pytest.raises(InputError, match="1 of 1 rows of outcomes/death are already"):
        follow("texture", "death")


def _unit(draft: Writer) -> None:
    draft.unit("u", 1, "nodule")


def _image(draft: Writer, **change: object) -> None:
    given = {"array": np.zeros((4, 4), np.uint8), "intensity": "display"} | change
    draft.image(given["array"], unit_id="u", subject_id=1, kind="picture", intensity=str(given["intensity"]))  # pyright: ignore


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda draft: None, "nothing to ingest"),
        (lambda draft: (_unit(draft), _unit(draft)), "u occurs twice"),
        (
            lambda draft: draft.reading("v", 1, reader="r", item="i", value=1),
            "1 units of readings are not among",
        ),
        (lambda draft: (_unit(draft), draft.outcome("Bad Name", "u", 1, value=1)), "lower case"),
        (
            lambda draft: _image(draft, array=np.zeros((4, 4), complex)),
            "cannot store pixels of type complex128",
        ),
        (lambda draft: _image(draft, array=np.zeros((0, 4), np.uint8)), "cannot store"),
        (lambda draft: _image(draft, intensity="loud"), "intensity 'loud' is none of"),
    ],
)
def test_what_makes_no_sense_is_refused_and_leaves_nothing(tmp_path: Path, act: Callable[[Writer], object], words: str):
    with pytest.raises(InputError, match=words), writing(tmp_path / "a", source="test") as draft:
        act(draft)
    assert not list(tmp_path.iterdir())


def test_several_images_of_a_unit_are_counted_and_patient_units_made_once(tmp_path: Path):
    with writing(tmp_path / "a", source="test") as draft:
        subject_id, pseudonym = draft.subject("1")
        unit_id = draft.patient_unit(subject_id, pseudonym)
        assert draft.patient_unit(subject_id, pseudonym) == unit_id == pseudonym
        given = {"unit_id": unit_id, "subject_id": subject_id, "kind": "picture", "intensity": "display"}
        names = [draft.image(np.eye(9, dtype=np.uint8) * n, **given) for n in (1, 2)]
    assert names == [f"{pseudonym}/picture", f"{pseudonym}/picture/2"]
    assert str(draft.summary).startswith("part 1 from test: 1 subjects, 1 units, 2 images, 0 readings")
