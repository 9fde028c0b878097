"""Open an archive on disk: checked tables and views of pixels.

Every ingest is one numbered, immutable part: `<table>/0001.parquet`, `outcomes/<name>/0001.parquet` and
`pixels/0001.bin` (arrays one after another, C order, little endian). `archive.json` lists the parts with the
SHA-256 of each file; renaming it into place is the commit, and a file it does not list is garbage.
"""

import hashlib
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl

from semeia.archive import events
from semeia.archive.atomic import naming
from semeia.archive.hashing import array_sha256, file_sha256
from semeia.archive.schema import EVENTS, OUTCOMES, SCHEMA_VERSION, TABLES, Table, check
from semeia.archive.small_file import MEGABYTE, read_object
from semeia.errors import InputError
from semeia.settings_json import from_plain, known_fields, to_plain

MANIFEST = "archive.json"
_LARGEST = 256 * MEGABYTE  # of archive.json: a million parts
PIXEL_TYPES = ("uint8", "int16", "uint16", "int32", "float32")
_LISTED = re.compile(
    r"(subjects|units|images|readings|reports|arrays|events|codes|pixels|outcomes/[a-z][a-z0-9_]*)/\d{4,}\.(parquet|bin)"
)


class Archive:
    """An archive opened for reading. Nothing is loaded until it is asked for; pixels are memory-mapped."""

    def __init__(self, path: Path, key_fingerprint: str, parts: list[dict], *, identity: dict | None = None) -> None:
        self.path = path
        self.key_fingerprint = key_fingerprint
        self.identity = identity or {}  # what was done about the identity of patients (gate.py); empty in older ones
        self.parts = parts
        self.files: dict[str, str] = {name: sha for part in self.parts for name, sha in part["files"].items()}
        self._tables: dict[str, pl.DataFrame] = {}
        self._pixels: dict[str, np.ndarray] = {}
        self._checked: set[tuple[str, int]] = set()
        self._held: set[Path] = set()

    def __reduce__(self) -> tuple:
        return open_archive, (self.path,)  # worker processes reopen the files instead of copying them

    def table(self, name: str) -> pl.DataFrame:
        """All parts of a table (`subjects`, `units`, `images`, `readings`, `reports`, `arrays`, `codes`), checked.

        Raises:
            InputError: No such table, or a part is missing or damaged.
        """
        if name == EVENTS.name:
            raise InputError(f"{self.path}: events may exceed the memory; take them in batches (event_batches).")
        if name not in TABLES or name == OUTCOMES.name:
            there = ", ".join(sorted(set(TABLES) - {OUTCOMES.name, EVENTS.name}))
            raise InputError(f"{self.path}: no table '{name}'; there are {there}.")
        return self._joined(name, TABLES[name])

    @property
    def simulated(self) -> bool:
        """Whether everybody in it was made up: no part is of anything but a simulated hospital."""
        return all(str(part.get("source", "")).startswith("simulated") for part in self.parts)

    def outcomes(self) -> list[str]:
        """The names of the outcomes there are labels for, sorted."""
        return sorted({name.split("/")[1] for name in self.files if name.startswith("outcomes/")})

    def outcome(self, name: str) -> pl.DataFrame:
        """The labels of one outcome: unit_id, subject_id, prediction_time, value.

        Raises:
            InputError: No such outcome, or none is named; the message lists those there are.
        """
        if name not in self.outcomes():
            lacking = f"no outcome '{name}'" if name else "name the outcome with --outcome"
            raise InputError(f"{self.path}: {lacking}; it has {', '.join(self.outcomes()) or 'none'}")
        return self._joined(f"outcomes/{name}", OUTCOMES)

    def arrays(self, modality: str) -> pl.DataFrame:
        """The arrays of one modality, in the order of their ids; `pixels` reads each."""
        return self.table("arrays").filter(pl.col("modality") == modality).sort("array_id")

    def codes(self) -> pl.DataFrame:
        """The codes of the events: code, mode, name, unit, fill, rule; one row a code."""
        return self.table("codes")

    def event_batches(
        self, *, size: int = 1_000_000, subjects: Collection[int] | None = None
    ) -> Iterator[pl.DataFrame]:
        """All events of consecutive subjects, about `size` rows at a time; memory is bounded by that.

        Args:
            size: Rows to aim at; a subject is never cut.

        Yields:
            Columns subject_id, time, code, numeric_value, text_value, sorted by all of them, empty first. The rows
            do not depend on `size`.

        Raises:
            InputError: A file is missing or damaged, or `size` is not positive.
        """
        return events.batches(self._events(), size=size, subjects=subjects)

    def event_subjects(self) -> pl.DataFrame:
        """The subjects with events: subject_id, events, first, last, over timed events other than birth."""
        return events.summarise(self._events())

    def pixels(self, image: dict[str, object]) -> np.ndarray:
        """The pixels of a row (a dict) of `images`, or the numbers of one of `arrays`, as a read-only mapped view.

        The first time an image is asked for, it is held against its hash, so that nobody trains on pixels that are no
        longer those that were ingested.

        Raises:
            InputError: The pixel file is missing, shorter than the row says, or has changed since it was written.
        """
        array = self._unchecked(image)
        place = str(image["part"]), int(str(image["offset"]))
        if place not in self._checked:
            if array_sha256(array) != image["sha256"]:
                raise InputError(
                    f"{self.path / place[0]}: pixels have changed since they were ingested; restore the archive from a "
                    "backup, or ingest the files again into a new one."
                )
            self._checked.add(place)
        return array

    def _unchecked(self, image: dict[str, object]) -> np.ndarray:
        part, kind = str(image["part"]), str(image["dtype"])
        shape = tuple(int(length) for length in image["shape"])  # pyright: ignore[reportGeneralTypeIssues]
        offset = int(image["offset"])  # pyright: ignore[reportArgumentType]
        if part not in self.files or kind not in PIXEL_TYPES:
            raise InputError(f"{self.path}: an image's part or type ('{kind}') is not the archive's.")
        dtype = np.dtype(kind).newbyteorder("<")
        size = int(np.prod(shape)) * dtype.itemsize
        flat = self._mapped(part)
        if min(shape, default=0) < 1 or offset < 0 or offset + size > flat.size:
            raise InputError(f"{self.path / part}: too short for its images; restore it from a backup.")
        return np.asarray(flat[offset : offset + size]).view(dtype).reshape(shape)

    def files_of(self, folder: str) -> list[Path]:
        """The files of a folder, such as `events`, in the order of the parts."""
        return [self.path / name for name in sorted(self.files) if name.rsplit("/", 1)[0] == folder]

    def fingerprint(self) -> str:
        """A name of the content: SHA-256 over the listed files' hashes."""
        listed = "".join(f"{name} {sha}\n" for name, sha in sorted(self.files.items()))
        return hashlib.sha256(listed.encode()).hexdigest()

    def verify(self) -> list[str]:
        """Hash every listed file and every image again; one line a problem, none when all is well."""
        problems = []
        for name, expected in sorted(self.files.items()):
            path = self.path / name
            if not path.is_file():
                problems.append(f"{name}: the file is missing")
            elif file_sha256(path) != expected:
                problems.append(f"{name}: the content has changed since it was written")
        if problems:
            return problems
        findings = []
        for name in ("images", "arrays"):
            rows = self.table(name).iter_rows(named=True)
            if wrong := sum(array_sha256(self._unchecked(row)) != row["sha256"] for row in rows):
                findings.append(f"{name}: {wrong} {name} differ from their hash")
        return findings

    def part_table(self, folder: str, number: int) -> pl.DataFrame:
        """What one part holds of a table."""
        return self._read(self.path / folder / f"{number:04d}.parquet")

    def _joined(self, folder: str, table: Table) -> pl.DataFrame:
        if folder not in self._tables:
            frames = [self._read(path) for path in self.files_of(folder)]
            joined = pl.concat(frames, how="diagonal_relaxed") if frames else table.empty()
            if table.replace:
                joined = joined.unique(table.key, keep="last", maintain_order=True).sort(table.key)
            self._tables[folder] = check(table, joined, where=str(self.path))
        return self._tables[folder]

    def _read(self, path: Path) -> pl.DataFrame:
        """One file of a table, which must be the one that was written."""
        self._hold(path)
        try:
            return pl.read_parquet(path, glob=False)
        except pl.exceptions.PolarsError as error:
            raise InputError(f"{path}: damaged; restore it from a backup.") from error

    def _events(self) -> list[Path]:
        files = self.files_of("events")
        for path in files:
            self._hold(path)
        return files

    def _hold(self, path: Path) -> None:
        """Hold a file against its hash before it is read: polars may end the process over one that is damaged."""
        if path in self._held:
            return
        if not path.is_file():
            raise InputError(f"{path}: missing from the archive; restore it from a backup.")
        with naming(path, "read"):
            sha = file_sha256(path)
        if sha != self.files[path.relative_to(self.path).as_posix()]:
            raise InputError(f"{path}: has changed since it was written; restore it from a backup.")
        self._held.add(path)

    def _mapped(self, part: str) -> np.ndarray:
        if part not in self._pixels:
            try:
                with naming(self.path / part, "read"):
                    self._pixels[part] = np.memmap(self.path / part, np.uint8, "r")
            except ValueError as error:
                if isinstance(error, InputError):
                    raise
                raise InputError(f"{self.path / part}: is empty; restore it from a backup.") from error
        return self._pixels[part]


def open_archive(path: str | Path) -> Archive:
    """Open the archive at `path` for reading.

    Raises:
        InputError: No such folder, not an archive, a damaged list of parts, or written by a newer version.
    """
    path = Path(path)
    manifest = path / MANIFEST
    if not path.is_dir():
        raise InputError(f"{path}: no such archive; create one with 'semeia ingest'.")
    if not manifest.is_file():
        raise InputError(f"{path}: not an archive (it has no {MANIFEST}); create one with 'semeia ingest'.")
    newer = 0
    try:
        listing = read_object(manifest, most=_LARGEST)
        version = listing.get("schema_version")
        newer = version if isinstance(version, int) else 0
        content = from_plain(Manifest, known_fields(Manifest, listing), where=MANIFEST)
        parts = [
            from_plain(Part, known_fields(Part, part), where=f"{MANIFEST}, part {at}")
            for at, part in enumerate(content.parts, start=1)
        ]
    except InputError as error:
        if newer > SCHEMA_VERSION:
            raise InputError(f"{path}: written by a newer Semeia (schema {newer}); upgrade semeia.") from error
        why = str(error).removeprefix(f"{manifest}: ").removesuffix("; restore the file.")
        raise InputError(f"{manifest}: damaged ({why}); restore it from a backup.") from error
    if newer > SCHEMA_VERSION:
        raise InputError(f"{path}: written by a newer Semeia (schema {newer}); upgrade semeia.")
    if not all(_LISTED.fullmatch(name) and isinstance(sha, str) for part in parts for name, sha in part.files.items()):
        raise InputError(f"{manifest}: damaged (it lists other files than an archive has); restore it from a backup.")
    return Archive(path, content.key_fingerprint, [to_plain(part) for part in parts], identity=content.identity)


@dataclass(frozen=True)
class Manifest:
    """archive.json: the version of the tables, which key made the pseudonyms, the parts, what was done of identity."""

    schema_version: int
    key_fingerprint: str
    parts: tuple[dict, ...]
    identity: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Part:
    """One part in archive.json: the SHA-256 of each of its files, and where it came from."""

    files: dict
    source: str = ""
    created: str = ""
    semeia_version: str = ""
    notes: dict = field(default_factory=dict)
