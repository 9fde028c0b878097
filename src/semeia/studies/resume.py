"""Go on with the study that a run folder holds, under the settings it was begun with. A new study is one more name."""

from pathlib import Path

from semeia.errors import InputError
from semeia.settings_json import from_plain
from semeia.studies.nodule import NODULE
from semeia.studies.own import OWN
from semeia.studies.pictures.knee import KNEE_STUDY
from semeia.studies.pictures.paired import GASTRO, PAIRED
from semeia.studies.records.ehr import EHR
from semeia.studies.records.patient import PATIENT
from semeia.studies.run.record import read_record
from semeia.studies.run.runner import run_study
from semeia.studies.run.study import Inputs
from semeia.studies.scaling import SCALING

STUDIES = {study.name: study for study in (NODULE, KNEE_STUDY, EHR, OWN, GASTRO, PAIRED, PATIENT, SCALING)}


def resume_study(
    run: Path,
    archive: Path,
    *,
    external: Path | None = None,
    outcomes: Path | None = None,
    reports: Path | None = None,
    imagenet: Path | None = None,
    further: Path | None = None,
    codes: Path | None = None,
) -> Path:
    """Go on with a study; returns the report's path.

    Args:
        external: the archive of another hospital that it was begun with, if it was.
        outcomes: the table of follow-up readings, if it was begun with one.
        reports: the table of reports, if it was begun with one.
        imagenet: the file of weights, if it was begun with one.
        further: the archive that networks of events were pretrained on, too, if it was begun with one.
        codes: the table of shared codes, if it was begun with one.

    Raises:
        InputError: the folder holds no run, or a run of something else; a file or folder that the study was begun on
            is not given, or one that it was not.
    """
    record = read_record(run)
    if record.get("study") not in STUDIES:
        there = ", ".join(STUDIES)
        raise InputError(f"{run}: its run.json names no study that can be resumed; there are {there}")
    optional = {"external": external, "outcomes": outcomes, "reports": reports, "imagenet": imagenet}
    optional |= {"further": further, "codes": codes}
    given = {name: path for name, path in optional.items() if path is not None}
    read = record.get("inputs", {}).keys()
    if missing := sorted(read - given.keys()):
        raise InputError(f"{run}: was begun with {', '.join(f'--{name}' for name in missing)}; give it again")
    if unknown := sorted(given.keys() - read):
        raise InputError(f"{run}: was begun without {', '.join(f'--{name}' for name in unknown)}; leave it out")
    study = STUDIES[record["study"]]
    files = {name: path for name, path in given.items() if name != "external"}
    settings = from_plain(study.settings, record["config"])
    return run_study(study, Inputs(archive, external, files), out=run, settings=settings)
