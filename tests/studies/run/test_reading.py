"""Labels stand beside their units; what cannot be fitted is refused with the reason."""

from pathlib import Path

import numpy as np
import pytest

from archive_folder import fill
from semeia.archive import open_archive, writing
from semeia.data.dataset import Dataset
from semeia.errors import InputError
from semeia.studies.run.reading import labels_of
from small_training import loaded


def test_beside_their_units(data: Dataset, archive: Path):
    opened = open_archive(archive)
    labels = labels_of(data.units, opened, "malignancy")
    known = dict(zip(*opened.outcome("malignancy").select("unit_id", "value").get_columns(), strict=True))
    for unit, label in zip(data.units["unit_id"], labels, strict=True):
        assert known.get(unit) == (None if np.isnan(label) else label)
    assert np.isnan(labels).sum() == 36


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nothing", r"no outcome 'nothing'; it has grade, malignancy, same"),
        ("grade", "other values than 0 and 1"),
        ("same", "labels 4 units, all of one class"),
    ],
)
def test_refused(tmp_path: Path, name: str, words: str):
    path = tmp_path / "archive"
    with writing(path, source="test") as draft:
        fill(draft)
        for place in range(4):
            subject, pseudonym = draft.subject(f"CANARY-{place}", site="north")
            draft.outcome("grade", f"{pseudonym}/n00", subject, value=place)
            draft.outcome("same", f"{pseudonym}/n00", subject, value=1)
    with pytest.raises(InputError, match=words):
        labels_of(loaded(path).units, open_archive(path), name)


def test_an_outcome_of_patients_labels_no_unit(data: Dataset, archive: Path):
    with pytest.raises(InputError, match="labels 0 units"):
        labels_of(data.units, open_archive(archive), "diagnosis")
