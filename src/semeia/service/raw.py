"""Make an archive of the raw files of a request: a series of DICOM files, and a record as events.

They go through the readers, the bounds and the identity gate of `semeia ingest`, and the archive is read by the code of
`semeia predict`. All of it lies in a temporary folder that is gone before the answer is.
"""

import base64
import binascii
import io
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from semeia.archive import Archive, Privacy, open_archive, writing
from semeia.bounds import bounded
from semeia.data.modalities import Record, Signatures
from semeia.data.modality import Modality
from semeia.errors import InputError
from semeia.readers.dicom.ingest import add_images, index_folder, people_of
from semeia.readers.dicom.series import stacks_of
from semeia.readers.records.meds import take_meds
from semeia.readers.rows import Faults, Row, read_rows
from semeia.signatures.model import load_signatures

PATIENT = "semeia-request"  # whom the archive is of, where no DICOM header names somebody
_CODE, _TIME, _VALUE = EVENT = ("code", "time", "numeric_value")
_SHOWN = 40


@contextmanager
def archive_of(body: Mapping[str, object], modalities: Iterable[Modality], *, privacy: Privacy) -> Iterator[Archive]:
    """Give an archive of one unit: what `dicom`, `record` and `time` of a request hold.

    Args:
        body: `dicom`, a zip of DICOM files in base64; `record`, either {"events": [...]} with code, time and
            numeric_value, or {"csv": ...} of such columns; `time`, the date of prediction, by default that of the
            newest image.
        modalities: that the model reads: what it knows of codes goes before the rules of `semeia ingest meds`.
        privacy: what the identity gate may let pass.

    Raises:
        InputError: something cannot be read, or the identity gate refuses it; names fields, never a patient.
    """
    with TemporaryDirectory(prefix="semeia-") as temporary:
        folder = Path(temporary)
        try:
            _write_archive(folder, body, modalities, privacy)
        except InputError as error:  # what lies in the folder has names of ours, which say nothing to a stranger
            raise InputError(str(error).replace(f"{folder}/", "")) from error
        yield open_archive(folder / "archive")


def _write_archive(folder: Path, body: Mapping[str, object], modalities: Iterable[Modality], privacy: Privacy) -> None:
    time = body.get("time")
    if time is not None and not isinstance(time, str):
        raise InputError("time: must be a date in ISO, such as 2024-05-01 or 2024-05-01T12:00")
    index = None if time is None else Row("request", 0, {_TIME: time}).time(_TIME, ends=True)
    stacks, left_out = [], None
    if body.get("dicom") is not None:
        _unpack(body["dicom"], folder / "dicom")
        found = index_folder(folder / "dicom")
        stacks, left_out = stacks_of(found.headers)
        left_out += found.left_out
    patients = {stack.header.patient for stack in stacks}
    if len(patients) > 1:
        raise InputError(f"dicom: holds images of {len(patients)} patients; send those of one")
    patient = next(iter(patients), PATIENT)
    if body.get("record") is not None:
        if index is None:
            raise InputError("time: must say at which date the record is looked at")
        _write_meds(folder, body["record"], patient)
    with writing(folder / "archive", source="request", privacy=privacy) as draft:
        if (folder / "meds").exists():
            take_meds(draft, folder / "meds", codes=[_known_codes(modalities)])
        people = people_of(draft, stacks)
        owner = people[patient] if patient in people else draft.subject(patient)
        if left_out is not None:
            newest = add_images(draft, stacks, [owner] * len(stacks), left_out=left_out, workers=1)
            index = index or newest.get(owner[0])
        draft.unit("unit", owner[0], "request", time=index)


def _unpack(given: object, into: Path) -> None:
    """Write the files of a zip under numbers: their own names may be of patients, or lead elsewhere."""
    if not isinstance(given, str):
        raise InputError("dicom: must be a zip of DICOM files in base64")
    into.mkdir()
    try:
        with zipfile.ZipFile(io.BytesIO(base64.b64decode(given, validate=True))) as packed:
            files = [file for file in packed.infolist() if not file.is_dir()]
            size, advice = sum(file.file_size for file in files), "send one series"
            bounded(len(files), "SEMEIA_MOST_FRAMES", called="dicom", claim=f"{len(files)} files", advice=advice)
            claim = f"unpacks to {size} bytes"
            bounded(size, "SEMEIA_MOST_UNPACKED_BYTES", called="dicom", claim=claim, advice=advice)
            for number, file in enumerate(files):
                (into / f"{number:06d}").write_bytes(packed.read(file))
    except (binascii.Error, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError("dicom: is not base64") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise InputError("dicom: is no zip that can be unpacked (damaged, encrypted, or of another kind)") from error


def _write_meds(folder: Path, record: object, patient: str) -> None:
    """Write the events of a record as MEDS."""
    if not isinstance(record, Mapping) or len(record) != 1 or next(iter(record)) not in ("events", "csv"):
        raise InputError('record: must be {"events": [...]} or {"csv": "code,time,numeric_value..."}')
    rows = _of_csv(folder, record["csv"]) if "csv" in record else _of_objects(record["events"])
    faults = Faults()
    events = faults.keep(
        rows, lambda row: (row.text(_CODE), row.cells.get(_TIME) and row.time(_TIME), row.number_or_none(_VALUE))
    )
    faults.settle()
    kinds = {_CODE: pl.String, _TIME: pl.Datetime("us"), _VALUE: pl.Float32}
    frame = pl.DataFrame(events, schema=kinds, orient="row").with_columns(subject_id=pl.lit(patient))
    (folder / "meds" / "data").mkdir(parents=True)
    frame.write_parquet(folder / "meds" / "data" / "record.parquet")


def _of_csv(folder: Path, text: object) -> list[Row]:
    if not isinstance(text, str):
        raise InputError("record.csv: must be the text of a table with the columns code, time, numeric_value")
    (folder / "record.csv").write_text(text, encoding="utf-8")
    return read_rows(folder / "record.csv", required=(_CODE, _TIME), known=(_VALUE,), verbatim=(_CODE,))


def _of_objects(events: object) -> list[Row]:
    if not isinstance(events, list) or not events:
        raise InputError("record.events: must be a list of events with code, time, numeric_value")
    rows = []
    for number, event in enumerate(events, start=1):
        where = f"record.events, event {number}"
        if not isinstance(event, Mapping):
            raise InputError(f"{where}: must be an object with code, time, numeric_value")
        if unknown := [name for name in event if name not in EVENT]:
            raise InputError(f"{where}: there is no field '{unknown[0][:_SHOWN]}'; send {', '.join(EVENT)}")
        value = event.get(_VALUE)
        if isinstance(value, bool) or not isinstance(value, int | float | None):
            raise InputError(f"{where}, {_VALUE}: must be a number or null")
        if wrong := [name for name in (_CODE, _TIME) if not isinstance(event.get(name), str | None)]:
            raise InputError(f"{where}, {wrong[0]}: must be a text")
        cells = {_CODE: event.get(_CODE), _TIME: event.get(_TIME), _VALUE: None if value is None else repr(value)}
        rows.append(Row("record.events", number, cells))
    return rows


def _known_codes(modalities: Iterable[Modality]) -> pl.DataFrame:
    """What the model knows of codes, as `read_codes` gives it."""
    kinds = {"code": pl.String, "mode": pl.String, "name": pl.String, "unit": pl.String, "fill": pl.Float64}
    tables = [pl.DataFrame(schema=kinds)]
    for modality in modalities:
        if isinstance(modality, Signatures):
            tables.append(load_signatures(Path(modality.source)).channels.table.select(list(kinds)))
        elif isinstance(modality, Record):
            tables.append(pl.DataFrame({"code": modality.items}).with_columns(mode=pl.lit("measurement")))
    return pl.concat(tables, how="diagonal").unique("code", keep="first", maintain_order=True)
