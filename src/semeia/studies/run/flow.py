"""Count the cohort flow of a study: from the archive to the patients in each table."""

from collections.abc import Mapping

import numpy as np

from semeia.report.flow import Box, counted
from semeia.studies.run.study import Material

LABELS = {
    "archive": "In the archive",
    "excluded": "External without a label",
    "pretraining": "May be learnt from without labels",
    "unlabelled": "of these, never trained on with a label",
    "internal": "Internal, labelled",
    "tested": "of these, tested by the first seed",
    "external": "External, labelled",
}


def flow_of(material: Material, seeds: tuple[int, ...], words: Mapping[str, str] | None = None) -> list[Box]:
    """Count patients and units of each part, for the main outcome.

    Args:
        material: of the study.
        seeds: that were run.
        words: what the boxes are called, by the names in `LABELS`.
    """
    labels = LABELS | dict(words or {})
    values, subject = material.labels[material.outcomes[0]], material.subjects
    known, outside = ~np.isnan(values), material.cohort == "external"
    testing = material.testing(min(seeds))
    # Each seed leaves out what it tests; where all test the same, nobody of these is ever learnt from.
    always = np.logical_and.reduce([material.testing(seed) for seed in seeds])
    learnt = (material.training | material.unlabelled) & ~always

    def box(name: str, group: str, mask: np.ndarray, note: str = "") -> Box:
        return counted(labels[name], group, mask, patients=subject, note=note)

    def positive(mask: np.ndarray) -> str:
        two = len(np.unique(values[known])) == 2
        return f"{int((mask & (values == 1)).sum())} with the outcome" if two else ""

    inside = material.training & known
    boxes = [
        box("archive", "archive", np.ones(len(subject), bool)),
        box("excluded", "excluded", outside & ~known, "not used"),
        box("pretraining", "pretraining", learnt, "each seed leaves out what it tests"),
        box("unlabelled", "pretraining", material.unlabelled & ~material.training),
        box("internal", "internal", inside, positive(inside)),
        box("tested", "internal", inside & testing),
        box("external", "external", outside & known, positive(outside)),
    ]
    return [one for one in boxes if one.patients or one.group == "archive"]
