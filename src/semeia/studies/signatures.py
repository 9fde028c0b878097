"""Signatures on the command line: fit them to an archive, express them at dates, look at them.

A fit ends with a folder: the model (signatures/model.py) and atlas.html, the page people read.
"""

import json
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

import polars as pl

from semeia.archive.small_file import read_object
from semeia.archive.store import Archive, open_archive
from semeia.errors import InputError
from semeia.group import process_group, process_of
from semeia.processes import Backend
from semeia.processes import backend as sent_to
from semeia.progress import warn, words
from semeia.readers.dates import read_dates
from semeia.report.atlas.page import write_atlas
from semeia.settings_json import to_plain
from semeia.signatures.express import Expressions, express, unmapped
from semeia.signatures.fit import fit_signatures
from semeia.signatures.model import ABOUT, LARGEST, SignatureModel, load_signatures
from semeia.signatures.sections import refuse_unborn
from semeia.signatures.settings import SignatureSettings
from semeia.studies.atlas import atlas_of, patient_of

MOST_UNMAPPED = 0.2
NAMED = 8
ATLAS = "atlas.html"


def fit(archive: Path, *, out: Path, settings: SignatureSettings, scratch: Path | None = None) -> str:
    """Fit signatures to the training patients of an archive, and draw their atlas.

    The training patients are those of the fixed split where the archive has one, else all. Started by torchrun, the
    processes make one fit.

    Args:
        out: the model's folder; must not hold another model. The same command again has nothing to do.
        scratch: a folder for the rows while the fit lasts (dates x components x 4 bytes and more); by default the
            system's temporary folder. All processes of torchrun or of a cluster must see it.

    Returns:
        What was fitted, in words.

    Raises:
        InputError: the archive has no records to fit on, `out` holds a model, or the fit did not converge (it is kept,
            and refuses to express anything).
    """
    opened = open_archive(archive)
    settled = {**to_plain(settings), "workers": None, "backend": None, "archive": opened.fingerprint()}
    command = json.loads(json.dumps(settled))
    if (out / ABOUT).exists():
        if read_object(out / ABOUT, most=LARGEST).get("command") != command:
            raise InputError(f"{out}: holds signatures already; name another folder with --out.")
        load_signatures(out).require_usable()
        return "nothing to do: it holds what this command fits"
    patients = training_patients(opened)
    with process_group(settings.ica.device):
        first = process_of()[0] == 0
        with words() if first else nullcontext(lambda said: None) as report:
            model = fit_signatures(opened, patients, settings=settings, scratch=scratch, report=report)
    if not first:
        raise SystemExit(0)  # what all have found, the first one keeps
    write_atlas(atlas_of(model, opened, patients), out / ATLAS)
    model.save(out, command=command)  # last, so that what is half done never passes for the whole
    model.require_usable()
    unstable = int(model.unstable.sum())
    return (
        f"{len(model.names)} signatures of {len(model.channels)} channels, fitted on {len(patients)} patients; "
        f"{unstable} unstable{_advice(model, unstable)}"
    )


def _advice(model: SignatureModel, unstable: int) -> str:
    """What to do where more than half of the signatures are not found again."""
    number = len(model.names)
    if 2 * unstable <= number:
        return ""
    whose = "all of them" if unstable == number else "most of them"
    fewer = max(2, (number - unstable) or number // 2)
    return (
        f": {whose} change with the patients drawn, so name none; their sum may still serve a model. More patients "
        f"help, or fewer signatures (--components {fewer}), or codes of more patients only (--least_patients)"
    )


def express_table(
    model: Path,
    *,
    archive: Path,
    dates: Path | None = None,
    key: Path | None = None,
    skip_bad_rows: int = 0,
    named: tuple[str, ...] = (),
    unseen: bool = False,
    skip_seen: bool = False,
    workers: int = 1,
    backend: Backend = "local",
) -> pl.DataFrame:
    """Expressions of patients at dates, one row a patient and date.

    Args:
        dates: a table (.csv, .tsv or .parquet) with the columns time (or date; in ISO) and patient_id (or subject_id,
            person_id) with the hospital's own id, or pseudonym. None: the end of each patient's record.
        key: file with the pseudonym key, when the archive does not keep its own and `dates` has the hospital's ids.
        skip_bad_rows: how many rows of `dates` may be left out because of a fault.
        named: what the columns of `dates` are called, where they have other names: "patient_id=Fall".
        unseen: refuse patients that the signatures were fitted on.
        skip_seen: leave out such patients, and say how many they are.
        backend: where they run: "local", or "ray" for the Ray cluster that RAY_ADDRESS names.

    Returns:
        pseudonym, time, and a column for each signature.
    """
    opened = open_archive(archive)
    people = opened.table("subjects").select("subject_id", "pseudonym")
    sections = _sections(opened, dates, key=key, skip_bad_rows=skip_bad_rows, named=named)
    fitted = load_signatures(model)
    if skip_seen:
        sections = _unseen(fitted, opened, sections)
    with sent_to(backend):
        found = express(fitted, opened, sections, unseen=unseen, workers=workers)
    _note(found)
    _note_unstable(fitted, range(len(fitted.names)))
    table = found.table.join(people, on="subject_id", how="left", maintain_order="left")
    return table.select("pseudonym", pl.exclude("pseudonym", "subject_id"))


def unmapped_table(
    model: Path,
    *,
    archive: Path,
    dates: Path | None = None,
    key: Path | None = None,
    skip_bad_rows: int = 0,
    named: tuple[str, ...] = (),
) -> pl.DataFrame:
    """How much of each site's records has codes that the signatures do not know.

    Where that is much, expressions describe the coding rather than the patients. The dates are given as to
    `express_table`; events after them do not count.

    Returns:
        site, patients, events, unmapped_events, share (of the events), codes, unmapped_codes.
    """
    opened = open_archive(archive)
    sections = _sections(opened, dates, key=key, skip_bad_rows=skip_bad_rows, named=named)
    return unmapped(opened, sections, load_signatures(model).channels)


def show(model: Path, *, signature: str | None = None, channel: str | None = None, most: int = 8) -> pl.DataFrame:
    """What signatures are made of, as a table.

    Args:
        signature: one of them, such as s001; by default all, a row each.
        channel: instead, where the channels are whose names contain this, such as: lung cancer.
        most: channels to name.

    Returns:
        For all: signature, explained, stability, channels in words. For one: channel, mode, weight, how much of what is
        explained of the channel is explained by this signature (holds). For channels: the signature that holds most,
        and whether it is unstable.
    """
    fitted = load_signatures(model)
    if channel is not None:
        return _where(fitted, channel)
    if signature is None:
        return pl.DataFrame([_summary(fitted, number, most) for number in range(len(fitted.names))])
    if signature not in fitted.names:
        raise InputError(f"{model}: no signature '{signature}'; there are {fitted.names[0]} to {fitted.names[-1]}.")
    number = fitted.names.index(signature)
    _note_unstable(fitted, [number])
    top = fitted.top(number, most=most)
    table = fitted.channels.table[top.tolist()]
    weights = fitted.components.mixing[top, number]
    return table.select("name", "code", "mode", "unit").with_columns(
        weight=pl.Series(weights).round(3),
        holds=pl.Series(fitted.holds[top, number]).round(2),
        sections_with_it=pl.Series(fitted.prevalence[top]).round(3),
    )


def patient(model: Path, *, archive: Path, pseudonym: str, out: Path) -> Path:
    """Draw one patient's page: events, curves, and expressions over time. It names nobody and gives no date.

    Args:
        pseudonym: of the patient in that archive.
        out: the page to write, .html; must not exist.
    """
    if out.exists():
        raise InputError(f"{out}: is there already and is not overwritten; name another file with --out.")
    opened = open_archive(archive)
    known = opened.table("subjects").join(opened.event_subjects(), on="subject_id", how="semi")
    found = known.filter(pl.col("pseudonym") == pseudonym)["subject_id"]
    if found.is_empty():
        raise InputError(f"{archive}: no patient with records has this pseudonym.")
    return write_atlas(patient_of(load_signatures(model), opened, found[0]), out)


def training_patients(archive: Archive) -> list[int]:
    """The patients of the training split, or all with events where the archive has no split."""
    people = archive.table("subjects").join(archive.event_subjects(), on="subject_id", how="semi")
    if people.is_empty():
        words = "ingest them with 'semeia ingest meds|omop|table'"
        if archive.files_of("events"):
            words = "its events have no dates, or are births; 'semeia audit' says more"
        raise InputError(f"{archive.path}: holds no health records with dates; {words}.")
    train = people.filter(pl.col("split") == "train")
    return (train if people["split"].is_not_null().any() else people)["subject_id"].to_list()


def _where(model: SignatureModel, words: str) -> pl.DataFrame:
    """For each channel whose name contains some words, the signature that explains most of it."""
    named = model.channels.table.filter(pl.col("name").str.to_lowercase().str.contains(words.lower(), literal=True))
    if named.is_empty():
        raise InputError(f"no channel's name contains '{words}'.")
    places = named["channel"].to_list()
    best = model.holds[places].argmax(axis=1)
    return named.select("name", "code", "mode").with_columns(
        signature=pl.Series([model.names[at] for at in best]),
        unstable=pl.Series(model.unstable[best]),
        holds=pl.Series(model.holds[places, best]).round(2),
        weight=pl.Series(model.components.mixing[places, best]).round(3),
    )


def _summary(model: SignatureModel, number: int, most: int) -> dict[str, object]:
    top = model.top(number, most=most)
    names = model.channels.table["name"].gather(top.tolist())
    weights = model.components.mixing[top, number]
    stable = float(model.stable[number])
    return {
        "signature": model.names[number],
        "explained": round(float(model.components.explained[number]), 4),
        "stability": None if stable != stable else round(stable, 2),
        "unstable": bool(model.unstable[number]),
        "channels": "; ".join(f"{name} {weight:+.2f}" for name, weight in zip(names, weights, strict=True)),
    }


def _sections(
    archive: Archive, dates: Path | None, *, key: Path | None, skip_bad_rows: int, named: tuple[str, ...]
) -> pl.DataFrame:
    """The dates of a file, or the end of each record."""
    if dates is None:
        return archive.event_subjects().select("subject_id", pl.col("last").alias("time"))
    table, counted = read_dates(dates, archive, key=key, skip_bad_rows=skip_bad_rows, named=named)
    for what, number in counted.items():
        warn(f"{dates}: {number} {what}")
    refuse_unborn(table, archive.table("subjects"), where=str(dates))
    return table


def _unseen(model: SignatureModel, archive: Archive, sections: pl.DataFrame) -> pl.DataFrame:
    """The sections of patients that the model was not fitted on; how many are left out is said."""
    patients = sections["subject_id"].unique().to_list()
    seen = model.fitted_on.seen(archive, patients)
    if seen:
        warn(f"{len(seen)} of {len(patients)} patients are left out: the signatures were fitted on them.")
    if len(seen) == len(patients):
        raise InputError(f"{archive.path}: the signatures were fitted on all {len(patients)} patients; none is left.")
    return sections.filter(~pl.col("subject_id").is_in(seen))


def _note(found: Expressions) -> None:
    """Say which sites' records are hardly known to the model."""
    for row in found.unmapped.filter(pl.col("share") > MOST_UNMAPPED).iter_rows(named=True):
        site = f"site {row['site']}" if row["site"] else "the archive"
        warn(f"{row['share']:.0%} of the events of {site} have codes unknown to the signatures.")


def _note_unstable(model: SignatureModel, places: Sequence[int]) -> None:
    """Say which of some signatures refits do not find again."""
    unstable = [model.names[at] for at in places if model.unstable[at]]
    if unstable:
        named = ", ".join(unstable[:NAMED]) + (", ..." if len(unstable) > NAMED else "")
        warn(f"{len(unstable)} of {len(places)} signatures are unstable: {named}")
