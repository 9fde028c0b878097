"""Draft one part, row by row: subjects, units, images, readings, reports, outcomes.

Pixels stream to a temporary file, so memory holds the tables only. `commit.py` makes the draft a part.
"""

import datetime as dt
import re
from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np
import polars as pl

from semeia.archive import keys
from semeia.archive.gate import Gate, Privacy, moved
from semeia.archive.hashing import LOOK_SIDE, middle_slice, perceptual_hash
from semeia.archive.identity import NEAR, canonical
from semeia.archive.part.people import Ages, People
from semeia.archive.part.pixels import PixelFile, bits_used, percentiles
from semeia.archive.part.record_draft import RecordDraft
from semeia.archive.part.summary import Summary
from semeia.archive.schema import INTENSITIES, OUTCOMES, TABLES, check
from semeia.archive.store import PIXEL_TYPES, Archive
from semeia.errors import InputError

Facts = Mapping[str, str | float | int | bool | None]


class Writer:
    """A draft of one part, from `writing`, which commits or removes it; then it has a `summary`."""

    summary: Summary

    def __init__(
        self,
        path: Path,
        archive: Archive | None,
        *,
        key: bytes,
        source: str,
        notes: Mapping[str, object] | None,
        privacy: Privacy,
    ) -> None:
        self.path, self.source, self.notes = path, source, dict(notes or {})
        self._archive, self._key = archive, key
        self.gate, self.ages = Gate(privacy), Ages(cap=privacy.cap_ages)
        self.number = number = 1 + (len(archive.parts) if archive else 0)
        names = ("units", "images", "readings", "reports", "arrays")
        self._rows: dict[str, list[dict[str, object]]] = {name: [] for name in names}
        self._outcomes: dict[str, list[dict[str, object]]] = {}
        self.people = People(key, archive.table("subjects").rows(named=True) if archive else [], privacy=privacy)
        self._old_units: set[str] = set(archive.table("units")["unit_id"]) if archive else set()
        self._units: set[str] = set()
        self._images: set[str] = set()
        self.pixels = PixelFile(path / "pixels" / f"{number:04d}.bin")
        self.record = RecordDraft(path / "events" / f"{number:04d}.parquet", archive, source=source)

    def subject(
        self,
        original_id: str,
        *,
        site: str | None = None,
        sex: str | None = None,
        birth: dt.date | None = None,
        split: str | None = None,
    ) -> tuple[int, str]:
        """The number and pseudonym of a patient, new or known. `original_id` is hashed and forgotten.

        Raises:
            InputError: A fact contradicts what is known of the patient, or the split is none of the three.
        """
        return self.people.subject(original_id, site=site, sex=sex, birth=birth, split=split)

    def shown(self, subject_id: int, time: dt.datetime) -> dt.datetime:
        """A time of a patient as the archive shows it: moved with all others, where dates are moved."""
        return time + dt.timedelta(days=self.people.days.get(subject_id, 0))

    def keyed(self, text: str) -> str:
        """12 hex digits that stand for `text` under the key, for names that may carry a patient id."""
        return keys.keyed(self._key, text)

    def refuse_known(self, unit_ids: Collection[str]) -> None:
        """Refuse early, before pixels are read, when some units to be written are in the archive already.

        Where all of them are, the same ingest may have been given again; what it would write tells (repeat.py).
        """
        there = len(self._old_units.intersection(unit_ids))
        if there and not (there == len(set(unit_ids)) and self._came_from_here()):
            raise InputError(
                f"{self.path}: refused: {there} of {len(unit_ids)} units are already in the archive; "
                "nothing was written."
            )

    def _came_from_here(self) -> bool:
        """Whether a part of the archive has the draft's source, and its notes so far."""
        parts = self._archive.parts if self._archive else []
        return any(part["source"] == self.source and part["notes"].items() >= self.notes.items() for part in parts)

    def unit(
        self,
        unit_id: str,
        subject_id: int,
        kind: str,
        *,
        time: dt.datetime | None = None,
        region: str | None = None,
        covariates: Facts | None = None,
    ) -> str:
        """Add a unit; gives `unit_id` back. Those the archive has are refused together at the commit."""
        if unit_id in self._units:
            raise InputError(f"unit {unit_id} occurs twice in {self.source}.")
        self._units.add(unit_id)
        of = {"unit_id": unit_id, "subject_id": subject_id, "time": time}
        self._add("units", **of, kind=kind, region=region, **(covariates or {}))
        return unit_id

    def known_unit(self, pseudonym: str, original: str) -> str | None:
        """The unit of a patient that the archive knows by an original name, as images' units are named; None: none."""
        unit_id = f"{pseudonym}/{self.keyed(canonical(original))}"
        return unit_id if unit_id in self._old_units else None

    def labels(self, outcome: str) -> set[float]:
        """The values that this draft has of an outcome."""
        return {float(str(row["value"])) for row in self._outcomes.get(outcome, [])}

    def patient_unit(
        self, subject_id: int, pseudonym: str, *, time: dt.datetime | None = None, covariates: Facts | None = None
    ) -> str:
        """The unit of kind "patient", which patient-level outcomes are keyed on; added when not there yet."""
        if pseudonym in self._units or pseudonym in self._old_units:
            return pseudonym
        return self.unit(pseudonym, subject_id, "patient", time=time, covariates=covariates)

    def image(
        self,
        array: np.ndarray,
        *,
        unit_id: str | None,
        subject_id: int,
        kind: str,
        intensity: str,
        spacing: tuple[float, ...] | None = None,
        orientation: str | None = None,
        affine: np.ndarray | None = None,
        time: dt.datetime | None = None,
        image_format: str | None = None,
    ) -> str:
        """Add an image: a picture [rows, columns(, 3)], or a volume [x, y, z] with `spacing` in mm.

        Raises:
            InputError: The pixel type is not stored, the intensity unknown, the array empty, the disk full.
        """
        if array.dtype.name not in PIXEL_TYPES or array.ndim not in (2, 3) or array.size == 0:
            raise InputError(f"unit {unit_id}: cannot store pixels of type {array.dtype.name}, {array.shape}.")
        if intensity not in INTENSITIES:
            raise InputError(f"unit {unit_id}: intensity '{intensity}' is none of {', '.join(INTENSITIES)}.")
        when = f"/{self.shown(subject_id, time):%Y%m%dT%H%M%S}" if time else ""
        stem = f"{unit_id or f'patient-{subject_id}'}/{kind}{when}"
        image_id, count = stem, 1
        while image_id in self._images:
            count += 1
            image_id = f"{stem}/{count}"
        self._images.add(image_id)
        if spacing is None:  # a volume has no border to write on
            self.gate.picture(array)
        plane = middle_slice(array, colour=spacing is None and array.ndim == 3)
        facts = {
            "kind": kind,
            "intensity": intensity,
            "spacing": None if spacing is None else [float(step) for step in spacing],
            "orientation": orientation,
            "affine": None if affine is None else np.asarray(affine, float).reshape(-1).tolist(),
            "phash": perceptual_hash(plane),
            "look": perceptual_hash(plane, side=LOOK_SIDE),
            "percentiles": percentiles(array),
            "bits": bits_used(array),
            "format": image_format,
        }
        of = {"unit_id": unit_id, "subject_id": subject_id, "time": time}
        self._add("images", image_id=image_id, **of, **facts, **self.pixels.add(array))
        return image_id

    def reading(
        self,
        unit_id: str | None,
        subject_id: int,
        *,
        reader: str,
        item: str,
        value: float | int,
        time: dt.datetime | None = None,
    ) -> None:
        """Add one rating by a reader, of a unit or (None) of a patient at a time."""
        of = {"unit_id": unit_id, "subject_id": subject_id, "time": time}
        self._add("readings", **of, reader=reader, item=item, value=float(value))

    def report(self, unit_id: str | None, subject_id: int, *, text: str, time: dt.datetime | None = None) -> None:
        """Add the written report of a unit. It is stored as it is; the gate finds what has the form of one."""
        self._add("reports", unit_id=unit_id, subject_id=subject_id, time=time, text=text)

    def array(
        self,
        array: np.ndarray,
        *,
        modality: str,
        subject_id: int,
        unit_id: str | None = None,
        time: dt.datetime | None = None,
    ) -> str:
        """Add an observation that is an array and no image: a signal, features of a scan, expressions.

        Args:
            array: float32 (others are converted), [feature], [region, feature] or [lead, sample].
            modality: what it is called; lower case letters, digits and underscores.
            unit_id: the unit it belongs to; None: to all units of the patient, by its time.

        Raises:
            InputError: The name is not one, the array is empty, of another dimension, or the disk is full.
        """
        if not re.fullmatch("[a-z][a-z0-9_]*", modality):
            raise InputError(f"modality '{modality}': a name is lower case letters, digits and underscores.")
        if array.ndim not in (1, 2) or array.size == 0:
            raise InputError(f"modality '{modality}': cannot store an array of shape {array.shape}.")
        stored = np.ascontiguousarray(array, np.float32)
        array_id = f"{modality}/{self.number:04d}-{len(self._rows['arrays']):08d}"
        of = {"unit_id": unit_id, "subject_id": subject_id, "time": time}
        self._add("arrays", array_id=array_id, **of, modality=modality, **self.pixels.add(stored))
        return array_id

    def outcome(
        self,
        name: str,
        unit_id: str,
        subject_id: int,
        *,
        value: float | int,
        prediction_time: dt.datetime | None = None,
    ) -> None:
        """Add one label. `name` is lower case letters, digits and underscores."""
        row = {"unit_id": unit_id, "subject_id": subject_id, "prediction_time": prediction_time, "value": float(value)}
        self._outcomes.setdefault(name, []).append(row)

    def events(self, frame: pl.DataFrame) -> None:
        """Add events of subjects that the draft or the archive knows; any number of times, in any order.

        Args:
            frame: Columns subject_id, time, code and, where there are any, numeric_value, text_value. Times with a
                zone are converted to UTC, and values that are not finite emptied; both are counted. Exact copies
                are dropped, and counted, at the commit.

        Raises:
            InputError: A column is missing or of another type, a code is empty, a subject unknown, the disk full.
        """
        frame = moved(frame, self.people.days)
        if "text_value" in frame.columns:
            self.gate.texts("events.text_value", frame["text_value"])
        self.ages.see(frame)
        self.record.events(frame, subjects=len(self.people))

    def codes(self, frame: pl.DataFrame) -> None:
        """Say what codes mean: code, mode, rule and, where known, name, unit, fill. Every event's code needs a row.

        A code that is known already takes the new facts and keeps those which the new row leaves empty.

        Raises:
            InputError: A column is missing or of another type, a code repeats, a mode is unknown.
        """
        self.record.codes(frame)

    def count(self, words: str, number: int) -> None:
        """Put something counted on the part's record, for the audit: `words` say what, such as "rows left out"."""
        self.record.count(words, number)

    def _add(self, table: str, **row: object) -> None:
        self._rows[table].append(row)

    def tables(self) -> dict[str, pl.DataFrame]:
        """The draft's tables by the folder they go to, checked against the schema.

        Raises:
            InputError: Rows are of unknown units; or no rows.
        """
        self.count(NEAR, self.people.near())
        frames = {name: self._frame(name, TABLES[name].name, rows) for name, rows in self._rows.items() if rows}
        for name, content in self._outcomes.items():
            if not re.fullmatch("[a-z][a-z0-9_]*", name):
                raise InputError(f"outcome '{name}': a name is lower case letters, digits and underscores.")
            frames[f"outcomes/{name}"] = self._frame(f"outcomes/{name}", OUTCOMES.name, content)
        codes = self.record.codes_table()
        if codes.height:
            frames["codes"] = codes
        self.people.cap(self.ages.earliest(frames))
        if changed := self.people.changed():
            frames = {"subjects": self._frame("subjects", "subjects", changed), **frames}
        if not frames and not self.record.file.rows:
            raise InputError(f"{self.source}: nothing to ingest.")
        return frames

    def _frame(self, folder: str, table_name: str, rows: list[dict[str, object]]) -> pl.DataFrame:
        table = TABLES[table_name]
        declared = {column.name: column.dtype for column in table.columns}
        frame = pl.DataFrame(rows, infer_schema_length=None, schema_overrides=declared)
        frame = moved(check(table, frame, where=self.source), self.people.days)
        if "unit_id" in frame.columns and table is not TABLES["units"]:
            unknown = set(frame["unit_id"].drop_nulls()) - self._units - self._old_units
            if unknown:
                raise InputError(f"{self.source}: {len(unknown)} units of {folder} are not among the units.")
        return frame
