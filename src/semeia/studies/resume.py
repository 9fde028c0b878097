"""Which study a run folder holds: its run.json goes in; the study goes on under the settings it was begun with.

A new study is one line in `STUDIES`.
"""

from pathlib import Path

from semeia.errors import InputError
from semeia.settings_json import from_plain
from semeia.studies.ehr import EhrSettings, ehr_study
from semeia.studies.nodule import NoduleSettings, nodule_study
from semeia.studies.record import read_record

STUDIES = {"nodule": (NoduleSettings, nodule_study), "ehr": (EhrSettings, ehr_study)}


def resume_study(run: Path, archive: Path) -> Path:
    """Goes on with a study under the settings it was begun with; returns the report's path.

    Raises:
        InputError: the folder holds no run, or a run of something else.
    """
    record = read_record(run)
    if record.get("study") not in STUDIES:
        there = ", ".join(STUDIES)
        raise InputError(f"{run}: its run.json names no study that can be resumed; there are {there}")
    settings, study = STUDIES[record["study"]]
    return study(archive, out=run, settings=from_plain(settings, record["config"]))
