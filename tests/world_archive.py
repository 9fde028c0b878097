"""Made-up patients as an archive: vectors of an image and of a record, one unit each, some labels."""

from pathlib import Path

import numpy as np

from semeia.archive import writing
from semeia.worlds import Patients


def world_archive(path: Path, patients: Patients, *, name: str, labelled: int, without: slice = slice(0)) -> Path:
    """Write an archive; the first patients are labelled, some have no record, and every third is of another site."""
    lacking = np.zeros(len(patients.label), bool)
    lacking[without] = True
    with writing(path, source="made up") as draft:
        for row in range(len(patients.label)):
            subject, pseudonym = draft.subject(f"{name}-{row}", site=("east", "east", "west")[row % 3])
            unit = draft.unit(f"{pseudonym}/visit", subject, "visit")
            draft.array(patients.image[row], modality="image", subject_id=subject, unit_id=unit)
            if not lacking[row]:
                draft.array(patients.record[row], modality="record", subject_id=subject, unit_id=unit)
            if row < labelled:
                draft.outcome("disease", unit, subject, value=int(patients.label[row]))
    return path
