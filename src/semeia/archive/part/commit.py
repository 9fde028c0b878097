"""Commit a draft: the archive lists one part more, or is what it was before.

One writer at a time holds the archive's folder. Files are placed first and count for nothing until
`archive.json` is renamed into place; that rename is the commit. An error or an interrupt removes what was
placed; what a killed process left is swept by the next writer.
"""

import datetime as dt
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import polars as pl

from semeia import __version__
from semeia.archive import keys
from semeia.archive.atomic import PARTIAL, locked, make_folder, naming, write_json, write_parquet, write_text
from semeia.archive.event_file import Placed
from semeia.archive.gate import PRIVACY, Privacy
from semeia.archive.hashing import file_sha256
from semeia.archive.part.repeat import known_rows, repeated_part
from semeia.archive.part.summary import Summary
from semeia.archive.part.writer import Writer
from semeia.archive.register import secret_of
from semeia.archive.schema import SCHEMA_VERSION, TABLES
from semeia.archive.store import MANIFEST, Archive, open_archive
from semeia.errors import InputError

_COUNTED = ("subjects", "units", "images", "readings", "reports", "arrays", "codes")


@contextmanager
def writing(
    path: str | Path,
    *,
    source: str,
    key: str | Path | None = None,
    notes: Mapping[str, object] | None = None,
    privacy: Privacy = PRIVACY,
) -> Iterator[Writer]:
    """Write one part into the archive at `path`, which is created when it is not there.

    A clean exit commits the part and sets `draft.summary`; any exception, an interrupt included, leaves the
    folder as it was.

    Args:
        source: What the part comes from, for its record; must not carry a patient id.
        key: File with the pseudonym key (hex); by default one is made beside the archive.
        notes: Recorded with the part, in JSON types; a draft may add to `draft.notes`.

    Raises:
        InputError: The identity gate found something that is not accepted, another writer is at it,
            the key is not the archive's, units are in the archive already,
            the folder holds something else, or the disk is full or read-only.
    """
    path = Path(path)
    with _held(path):
        archive = open_archive(path) if (path / MANIFEST).exists() else None
        secret, own = _secret(path, archive, key)
        settings = privacy.joined(archive.identity if archive else None)
        draft = Writer(path, archive, key=secret, source=source, notes=notes, privacy=settings)
        placed: list[Path] = []
        try:
            yield draft
            _commit(draft, archive, secret, placed, keep_key=own and archive is None)
        except BaseException as stop:
            draft.pixels.discard()
            draft.record.file.discard()
            if not _committed(path, draft.number):  # an interrupt may come after the rename
                _remove(placed, path)
            if not isinstance(stop, _Repeated):
                raise
            draft.summary = stop.summary


class _Repeated(Exception):  # noqa: N818  (no error: the draft is taken back, and nothing is left to do)
    """The archive holds what was drafted, as the part that `summary` tells of."""

    def __init__(self, summary: Summary) -> None:
        super().__init__()
        self.summary = summary


def _commit(draft: Writer, archive: Archive | None, key: bytes, placed: list[Path], *, keep_key: bool) -> None:
    frames = draft.tables()
    identity, beside = draft.gate.settle(frames, draft.people.originals)
    for words, number in beside.items():
        draft.count(words, number)
    if identity:
        draft.notes["identity"] = identity
    files: dict[str, str] = {}
    placed.append(draft.record.file.path)
    events = draft.record.place(draft.ages.births())
    if archive is not None and (known := known_rows(archive, frames, draft.record)):
        part = repeated_part(archive, frames, draft.record.file.path if events else None, source=draft.source)
        if part is None:
            raise InputError(f"{draft.path}: refused: {known[0]} are already in the archive; nothing was written.")
        raise _Repeated(_summary(draft, frames, events, part=part, repeated=True))
    if events is not None:
        files[f"events/{draft.record.file.path.name}"] = events.sha256
    if draft.record.counted:
        draft.notes["counted"] = dict(draft.record.counted)
    placed.append(draft.pixels.path)
    digest = draft.pixels.place()
    if digest is not None:
        files[f"pixels/{draft.pixels.path.name}"] = digest
    for folder, frame in frames.items():
        name = f"{folder}/{draft.number:04d}.parquet"
        placed.append(draft.path / name)
        write_parquet(draft.path / name, frame)
        files[name] = file_sha256(draft.path / name)
    kept = keys.own_key(draft.path)
    if keep_key and not kept.exists():
        placed.append(kept)
        write_text(kept, key.hex() + "\n")
    there = archive.identity.get("accepted", []) if archive else []
    record = {
        "source": draft.source,
        "created": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "semeia_version": __version__,
        "files": files,
        "notes": draft.notes,
    }
    manifest = {
        "schema_version": SCHEMA_VERSION,
        "key_fingerprint": keys.key_fingerprint(key),
        "identity": draft.gate.privacy.words(there + ([str(identity["accepted"])] if identity else [])),
        "parts": [*(archive.parts if archive else []), record],
    }
    write_json(draft.path / MANIFEST, manifest)
    draft.summary = _summary(draft, frames, events, part=draft.number)


def _summary(
    draft: Writer, frames: dict[str, pl.DataFrame], events: Placed | None, *, part: int, repeated: bool = False
) -> Summary:
    return Summary(
        source=draft.source,
        part=part,
        **{name: frames[name].height if name in frames else 0 for name in _COUNTED},
        events=events.rows if events else 0,
        outcomes={name.split("/")[1]: frame.height for name, frame in frames.items() if name.startswith("outcomes/")},
        notes=dict(draft.notes),
        repeated=repeated,
    )


def _secret(path: Path, archive: Archive | None, supplied: str | Path | None) -> tuple[bytes, bool]:
    """The pseudonym key, and whether it is the archive's own rather than kept by the user."""
    kept = keys.own_key(path)
    if archive is not None:
        key = secret_of(archive, supplied)
    elif supplied is not None:
        key = keys.key_given(supplied)
    else:
        key = keys.read_key(kept) if kept.exists() else keys.new_key()
    return key, supplied is None


@contextmanager
def _held(path: Path) -> Iterator[None]:
    """Create the folder if need be and keep other writers out; one made here goes again if left empty."""
    created = [folder for folder in (path, *path.parents) if not folder.exists()]
    if path.exists() and not (path / MANIFEST).exists():
        _refuse_foreign(path)
    try:
        with naming(path, "created"):
            make_folder(path)
        with locked(path, busy="another process is writing to this archive; wait for it."):
            _sweep(path)
            yield
    finally:
        for folder in created:
            with suppress(OSError):
                folder.rmdir()


def _refuse_foreign(path: Path) -> None:
    """An archive may grow where nothing is, or where a killed first ingest left its unlisted files."""
    with naming(path, "read"):
        names = {entry.name for entry in path.iterdir()} if path.is_dir() else {path.name}
    foreign = [name for name in names - {*TABLES, "pixels", keys.KEY_FILE} if not name.endswith(PARTIAL)]
    if foreign or not path.is_dir():
        raise InputError(f"{path}: exists and is not an archive; name a new or empty folder.")


def _sweep(path: Path) -> None:
    for leftover in (
        *path.glob(f".*{PARTIAL}"),
        *path.glob(f"*/.*{PARTIAL}"),
        *path.glob(f"*/*/.*{PARTIAL}"),
    ):
        with suppress(OSError):
            shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()


def _committed(path: Path, number: int) -> bool:
    try:
        return len(open_archive(path).parts) >= number
    except InputError:
        return False


def _remove(placed: list[Path], path: Path) -> None:
    """Remove files and the folders inside `path` that they leave empty."""
    for file in placed:
        with suppress(OSError):
            file.unlink(missing_ok=True)
    folders = {folder for file in placed for folder in file.parents if path in folder.parents}
    for folder in sorted(folders, reverse=True):
        with suppress(OSError):  # a folder that holds something stays
            folder.rmdir()
