"""Which study a run folder holds: its run.json goes in; the study goes on under the settings it was begun with.

A new study is one line in `STUDIES`.
"""

from pathlib import Path

from semeia.errors import InputError
from semeia.settings_json import from_plain
from semeia.studies.ehr import EhrSettings, ehr_study
from semeia.studies.knee import KneeSettings, knee_study
from semeia.studies.nodule import NoduleSettings, nodule_study
from semeia.studies.record import RECORD, read_record

STUDIES = {
    "nodule": (NoduleSettings, nodule_study),
    "knee": (KneeSettings, knee_study),
    "ehr": (EhrSettings, ehr_study),
}


def resume_study(
    run: Path,
    archive: Path,
    *,
    external: Path | None = None,
    outcomes: Path | None = None,
    reports: Path | None = None,
    imagenet: Path | None = None,
) -> Path:
    """Goes on with a study under the settings it was begun with; returns the report's path.

    Args:
        run: the run folder.
        archive: what it was begun on.
        external: the archive of another hospital that it was begun with, if it was.
        outcomes: the table of follow-up readings, if it was begun with one.
        reports: the table of reports, if it was begun with one.
        imagenet: the file of weights, if it was begun with one.

    Raises:
        InputError: the folder holds no run, or a run of something else; a file or folder that the study was begun on
            is not given, or one that it was not.
    """
    record = read_record(run)
    if record.get("study") not in STUDIES:
        there = ", ".join(STUDIES)
        raise InputError(f"{run}: its run.json names no study that can be resumed; there are {there}")
    optional = {"external": external, "outcomes": outcomes, "reports": reports, "imagenet": imagenet}
    given = {name: path for name, path in optional.items() if path is not None}
    read = record.get("inputs", {}).keys()
    if missing := sorted(read - given.keys()):
        raise InputError(f"{run}: was begun with {', '.join(f'--{name}' for name in missing)}; give it again")
    if unknown := sorted(given.keys() - read):
        raise InputError(f"{run}: was begun without {', '.join(f'--{name}' for name in unknown)}; leave it out")
    settings, study = STUDIES[record["study"]]
    return study(archive, out=run, settings=_settings(settings, record, run=run), **given)


def _settings(kind: type, record: dict, *, run: Path) -> object:
    try:
        return from_plain(kind, record.get("config", {}), where="config")
    except InputError as error:
        raise InputError(f"{run / RECORD}: {error}; restore the file") from error
