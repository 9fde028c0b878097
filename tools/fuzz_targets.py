"""Small valid files of every format that Semeia reads, and what reads them: the ground that tools/fuzz.py damages.

A target is a reader with some valid inputs; an input is a folder of files. Nobody in them exists: every patient's id
holds the word CANARY, which no message may repeat.
"""

import datetime as dt
import gzip
import io
import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl

Files = dict[str, bytes]
WHO = [f"CANARY-{number:03d}" for number in range(12)]


@dataclass(frozen=True)
class Target:
    """One reader.

    Attributes:
        inputs: makes valid folders: by the path of each file in it, its bytes.
        read: reads a folder; an `InputError` is a refusal.
        mutable: ends of the names of the files that are damaged; the others stay whole.
    """

    inputs: Callable[[], list[Files]]
    read: Callable[[Path], object]
    mutable: tuple[str, ...] = ("",)


def _nifti() -> list[Files]:
    import nibabel as nib

    made: list[Files] = []
    affine = np.diag([1.0, 1.5, 2.0, 1.0])
    for kind in (np.int16, np.float32, np.uint8):
        raw = nib.Nifti1Image(np.arange(60).reshape(5, 4, 3).astype(kind), affine).to_bytes()
        made += [{"x.nii": raw}, {"x.nii.gz": gzip.compress(raw)}]
    made.append({"x.nii": nib.Nifti2Image(np.arange(60).reshape(5, 4, 3).astype(np.int16), affine).to_bytes()})
    return made


def _read_image(folder: Path) -> object:
    from semeia.readers.images.image_file import read_image

    path = next(folder.glob("x.*"))
    return read_image(path, called="row 2", kind=None)


def _pictures() -> list[Files]:
    from PIL import Image

    gray = Image.fromarray(np.random.default_rng(0).integers(0, 255, (24, 20), np.uint8))
    deep = Image.fromarray(np.asarray(gray).astype(np.uint16) * 200)
    turned = Image.Exif()
    turned[0x0112] = 6

    def saved(picture: Image.Image, kind: str, **options: object) -> bytes:
        buffer = io.BytesIO()
        picture.save(buffer, kind, **options)  # pyright: ignore[reportArgumentType]
        return buffer.getvalue()

    modes = [gray, gray.convert("RGBA"), gray.convert("LA"), gray.convert("1"), deep]
    pngs = [saved(mode, "PNG") for mode in modes]
    pngs += [saved(gray.convert("P"), "PNG", transparency=3), saved(gray, "PNG", exif=turned)]
    pngs.append(_png_of_16_bits())
    jpegs = [saved(gray, "JPEG", exif=turned), saved(gray.convert("CMYK"), "JPEG")]
    jpegs.append(saved(gray.convert("RGB"), "JPEG", progressive=True))
    return [{"x.png": one} for one in pngs] + [{"x.jpg": one} for one in jpegs]


def _png_of_16_bits() -> bytes:
    import struct
    import zlib

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    rows = b"".join(b"\0" + bytes(range(6 * 8)) for _ in range(8))
    head = struct.pack(">IIBBBBB", 8, 8, 16, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def _dicom() -> list[Files]:
    from pydicom.uid import JPEG2000Lossless, JPEGLSLossless, RLELossless

    film = {"Modality": "DX", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.1.1"}
    volume = {f"{k}.dcm": _slice(k) for k in range(3)}
    syntaxes = ("", RLELossless, JPEG2000Lossless, JPEGLSLossless)
    return [volume, {"frames.dcm": _slice(0, frames=3)}, *({"0.dcm": _slice(0, syntax=s, **film)} for s in syntaxes)]


def _slice(k: int, *, syntax: str = "", frames: int = 0, **facts: object) -> bytes:
    import pydicom
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    usual = {
        "SOPClassUID": CTImageStorage, "SOPInstanceUID": f"1.2.3.{k}", "StudyInstanceUID": "1.2", "Modality": "CT",
        "SeriesInstanceUID": "1.2.4", "PatientID": WHO[0], "PatientName": "CANARY^Jane", "PatientBirthDate": "19500309",
        "AcquisitionDate": "20200131", "ImageOrientationPatient": [1, 0, 0, 0, 1, 0], "PixelSpacing": [1, 1],
        "ImagePositionPatient": [0, 0, 2 * k], "SamplesPerPixel": 1, "PhotometricInterpretation": "MONOCHROME2",
        "RescaleSlope": 1, "RescaleIntercept": -1024, "BitsAllocated": 16, "BitsStored": 16, "HighBit": 15,
        "PixelRepresentation": 0, "Rows": 32, "Columns": 32,
    } | facts  # fmt: skip
    for keyword, value in usual.items():
        setattr(made, keyword, value)
    if frames:
        made.NumberOfFrames = frames
        made.PerFrameFunctionalGroupsSequence = [Dataset() for _ in range(frames)]
        for number, group in enumerate(made.PerFrameFunctionalGroupsSequence):
            group.PlanePositionSequence = [Dataset()]
            group.PlanePositionSequence[0].ImagePositionPatient = [0, 0, 2 * number]
    made.PixelData = np.arange(1024 * max(frames, 1), dtype=np.uint16).tobytes()
    made.file_meta.MediaStorageSOPClassUID = made.SOPClassUID
    made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID
    if syntax:
        made.compress(syntax, generate_instance_uid=False)
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, made, enforce_file_format=True)
    return buffer.getvalue()


def _read_dicom(folder: Path) -> object:
    from semeia.readers import ingest_dicom

    return ingest_dicom(folder, into=_fresh(folder), workers=1)


def _fresh(folder: Path) -> Path:
    """A place for an archive beside a folder that is read."""
    into = folder.with_name(f"{folder.name}-archive")
    shutil.rmtree(into, ignore_errors=True)
    return into


def _csv(frame: pl.DataFrame, separator: str = ",") -> bytes:
    return frame.write_csv(separator=separator).encode()


def _parquet(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    return buffer.getvalue()


def _scores() -> pl.DataFrame:
    rng = np.random.default_rng(0)
    rows = {"subject_id": WHO, "label": [0, 1] * 6, "score": rng.random(12).round(3), "age": rng.integers(20, 90, 12)}
    return pl.DataFrame(rows).with_columns(pl.Series("note", ['a "b", c'] + ["d\ne"] * 11))


def _tables() -> list[Files]:
    frame = _scores()
    texts = {"x.csv": _csv(frame), "x.tsv": _csv(frame, "\t"), "x.csv.gz": gzip.compress(_csv(frame, ";"))}
    return [{name: content} for name, content in texts.items()] + [{"x.parquet": _parquet(frame)}]


def _read_predictions(folder: Path) -> object:
    from semeia.evaluation import EvaluationSettings, evaluate, read_predictions

    table = read_predictions(next(folder.glob("x.*")))
    return evaluate(table, settings=EvaluationSettings(draws=100)) if len(table) < 8 else table


def _pictures_with_table() -> list[Files]:
    png, jpg = (one for one in (_pictures()[0]["x.png"], _pictures()[-1]["x.jpg"]))
    rows = {"file": ["a.png", "b.jpg", "c.png"], "patient": WHO[:3], "label": [0, 1, 1]}
    table = pl.DataFrame(rows).with_columns(day=pl.Series(["2020-01-01", "2020-01-02", "2020-01-03"]))
    return [{"a.png": png, "b.jpg": jpg, "c.png": png, "t.csv": _csv(table)}]


def _read_pictures(folder: Path) -> object:
    from semeia.readers import ingest_images

    return ingest_images(
        folder, table=folder / "t.csv", image="file", subject="patient", label="label", time="day", into=_fresh(folder)
    )


def _nodules() -> list[Files]:
    from semeia.sample import sample_folder

    table = pl.read_csv(sample_folder() / "nodules.csv", infer_schema=False)
    first = table.filter(pl.col("patient_id") == table["patient_id"][0])
    crops = _files(sample_folder() / str(table["patient_id"][0]))
    return [{"nodules.csv": _csv(first), **{f"{table['patient_id'][0]}/{name}": one for name, one in crops.items()}}]


def _read_nodules(folder: Path) -> object:
    from semeia.readers import ingest_nodules

    return ingest_nodules(folder, into=_fresh(folder))


def _events() -> pl.DataFrame:
    rows = []
    for number in range(12):
        day = dt.datetime(2020, 1, 1 + number)
        rows += [
            (number, dt.datetime(1950, 1, 1 + number), "MEDS_BIRTH", None, None),
            (number, None, "GENDER//F", None, None),
            (number, day, "LAB//GLUC//mg/dL", 90.0 + number, None),
            (number, day, "LAB//CULT", None, "<5 positive"),
            (number, day, "DIAGNOSIS//ICD//10//E119", None, None),
        ]
    kinds = {"subject_id": pl.Int64, "time": pl.Datetime("us"), "code": pl.String, "numeric_value": pl.Float32}
    return pl.DataFrame(rows, schema=kinds | {"text_value": pl.String}, orient="row")


def _meds() -> list[Files]:
    splits = pl.DataFrame({"subject_id": range(12), "split": ["train"] * 8 + ["held_out"] * 4})
    codes = pl.DataFrame({"code": ["LAB//CULT"], "description": ["Culture"], "parent_codes": [["LOINC/1"]]})
    metadata = {"metadata/codes.parquet": _parquet(codes), "metadata/subject_splits.parquet": _parquet(splits)}
    return [{"data/0.parquet": _parquet(_events()), **metadata}]


def _read_meds(folder: Path) -> object:
    from semeia.readers import ingest_meds

    return ingest_meds(folder, into=_fresh(folder))


def _omop() -> list[Files]:
    who = list(range(1, 7))
    person = pl.DataFrame({"person_id": who, "gender_concept_id": 8507, "year_of_birth": 1950, "month_of_birth": 2})
    lab = pl.DataFrame(
        {"person_id": who, "measurement_concept_id": 3016723, "measurement_date": "2020-01-02",
         "value_as_number": [0.8, 0.9, 1.0, 1.1, 1.2, 1.3], "unit_source_value": "mg/dL",
         "measurement_source_value": "CREA"}
    )  # fmt: skip
    texts = {"person.csv": _csv(person), "measurement.csv.gz": gzip.compress(_csv(lab))}
    return [texts, {"PERSON.csv": _csv(person, "\t"), "measurement.parquet": _parquet(lab)}]


def _read_omop(folder: Path) -> object:
    from semeia.readers import ingest_omop

    return ingest_omop(folder, into=_fresh(folder))


MAPPING = b"""name: our hospital
people: {from: patients, subject: id, site: hospital, sex: sex, birth: born}
events:
  labs: {from: labs, subject: id, time: reported, code: "'LAB/' || test", value: result, unit: unit, mode: measurement}
units:
  stay: {from: stays, subject: id, unit: stay, time: start}
outcomes:
  died: {from: stays, subject: id, unit: stay, prediction_time: iso(start) + INTERVAL 1 DAY, value: died}
"""


def _mapped() -> list[Files]:
    who = WHO[:6]
    patients = pl.DataFrame({"id": who, "hospital": "North", "sex": "F", "born": "1950-01-01"})
    labs = pl.DataFrame({"id": who, "reported": "2020-01-01 08:00", "test": "crea", "result": "0.9", "unit": "mg/dL"})
    stays = pl.DataFrame({"id": who, "stay": [f"S{k}" for k in range(6)], "start": "2020-01-01", "died": [0, 1] * 3})
    tables = {"patients.csv": patients, "labs.csv": labs, "stays.csv": stays}
    return [{"map.yaml": MAPPING, **{f"data/{name}": _csv(table) for name, table in tables.items()}}]


def _read_mapped(folder: Path) -> object:
    from semeia.readers import ingest_table

    return ingest_table(folder / "data", mapping=folder / "map.yaml", into=_fresh(folder))


def _vectors() -> list[Files]:
    def saved(array: np.ndarray) -> bytes:
        buffer = io.BytesIO()
        np.save(buffer, array)
        return buffer.getvalue()

    numbers = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
    table = pl.DataFrame({"id": WHO[:6], "day": "2020-01-02", "file": [f"{k}" for k in range(6)]})
    packed = io.BytesIO()
    np.savez_compressed(packed, **{str(k): row for k, row in enumerate(numbers)})
    wide = table.hstack(pl.DataFrame(numbers, schema=[f"f{k}" for k in range(4)]))
    return [
        {"t.csv": _csv(table), "x.npy": saved(numbers)},
        {"t.csv": _csv(table), "x.npz": packed.getvalue()},
        {"t.csv": _csv(wide)},
    ]


def _read_vectors(folder: Path) -> object:
    from semeia.readers import ingest_features

    arrays = next(folder.glob("x.*"), None)
    where = {"arrays": arrays} if arrays else {"columns": "f"}
    named = {"file": "file"} if arrays and arrays.suffix == ".npz" else {}
    return ingest_features(
        folder / "t.csv", into=_fresh(folder), modality="v", subject="id", time="day", **where, **named
    )


@cache
def _archive_of_meds() -> Files:
    with tempfile.TemporaryDirectory() as folder:
        for name, content in _meds()[0].items():
            (Path(folder, "m") / name).parent.mkdir(parents=True, exist_ok=True)
            Path(folder, "m", name).write_bytes(content)
        from semeia.readers import ingest_meds

        ingest_meds(Path(folder, "m"), into=Path(folder, "a"))
        for name, content in _pictures_with_table()[0].items():
            (Path(folder, "p") / name).parent.mkdir(parents=True, exist_ok=True)
            Path(folder, "p", name).write_bytes(content)
        from semeia.readers import ingest_images

        ingest_images(
            Path(folder, "p"), table=Path(folder, "p/t.csv"), image="file", subject="patient", into=Path(folder, "a")
        )
        return _files(Path(folder, "a"))


def _files(folder: Path) -> Files:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def _read_archive(folder: Path) -> object:
    from semeia.archive import open_archive
    from semeia.archive.audit.audit import audit

    archive = open_archive(folder)
    for image in archive.table("images").iter_rows(named=True):
        archive.pixels(image)
    return audit(archive)


@cache
def _model_files() -> Files:
    from semeia.archive import open_archive
    from semeia.data.crops import CropSettings
    from semeia.data.dataset import open_dataset
    from semeia.data.modalities import Picture
    from semeia.encoders.patient import EncoderSettings
    from semeia.learning.finetune import fresh_model

    with tempfile.TemporaryDirectory() as folder:
        for name, content in _archive_of_meds().items():
            (Path(folder) / name).parent.mkdir(parents=True, exist_ok=True)
            Path(folder, name).write_bytes(content)
        picture = Picture(crop=CropSettings(voxels=(1, 16, 16), patch=(1, 8, 8)))
        data = open_dataset(open_archive(folder), {"image": picture})
        settings = EncoderSettings(dim=8, depth=1, heads=2)
        model = fresh_model(data, np.arange(len(data)), modalities=("image",), settings=settings, seed=0)
        model.save(Path(folder))
        return {"model.safetensors": Path(folder, "model.safetensors").read_bytes()}


def _read_model(folder: Path) -> object:
    from semeia.learning.model import load_model

    return load_model(folder / "model.safetensors")


def _weights() -> list[Files]:
    import torch

    buffer = io.BytesIO()
    torch.save({"conv1.weight": torch.zeros(2, 3), "fc.bias": torch.zeros(4)}, buffer)
    return [{"w.pth": buffer.getvalue()}]


def _read_weights(folder: Path) -> object:
    from semeia.learning.weights import read_published

    return read_published(folder / "w.pth")


@cache
def _evaluated() -> Files:
    from semeia.evaluation import EvaluationSettings
    from semeia.report.evaluation_folder import evaluate_table

    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "p.csv").write_bytes(_csv(_scores()))
        evaluate_table(Path(folder, "p.csv"), out=Path(folder, "r"), settings=EvaluationSettings(draws=100))
        return {n: content for n, content in _files(Path(folder, "r")).items() if n != "report.html"}


def _read_run(folder: Path) -> object:
    from semeia.report.page import render
    from semeia.report.run_folder import read_run

    return render(read_run(folder))


def _settings() -> list[Files]:
    plain = {
        "model": {"crop": {"voxels": [1, 32, 32], "patch": [1, 8, 8]}},
        "optimiser": {"steps": 4, "batch": 8},
        "seed": 1,
    }
    import yaml

    condition = b"age >= 30 AND (label = 1 OR NOT note IN ('d', 'x')) AND score < 0.9"
    return [{"s.yaml": yaml.safe_dump(plain).encode(), "s.json": json.dumps(plain).encode(), "where.txt": condition}]


def _read_settings(folder: Path) -> object:
    from semeia.archive.small_file import parse_yaml, read_json, read_text
    from semeia.evaluation.where import parse_condition
    from semeia.learning.pretrain import PretrainSettings
    from semeia.settings_json import from_plain

    read_json(folder / "s.json")
    table = _scores().with_columns(label=pl.col("label").cast(pl.Int64))
    parse_condition(read_text(folder / "where.txt"), table)
    told = parse_yaml(read_text(folder / "s.yaml"), where="s.yaml")
    known = {name: value for name, value in told.items() if name != "seed"} if isinstance(told, dict) else told
    return from_plain(PretrainSettings, known)


TARGETS = {
    "nifti": Target(_nifti, _read_image),
    "picture": Target(_pictures, _read_image),
    "dicom": Target(_dicom, _read_dicom),
    "predictions": Target(_tables, _read_predictions),
    "images and table": Target(_pictures_with_table, _read_pictures, mutable=(".csv",)),
    "nodules": Target(_nodules, _read_nodules),
    "meds": Target(_meds, _read_meds),
    "omop": Target(_omop, _read_omop),
    "mapping": Target(_mapped, _read_mapped),
    "features": Target(_vectors, _read_vectors),
    "archive": Target(lambda: [_archive_of_meds()], _read_archive),
    "model": Target(lambda: [_model_files()], _read_model),
    "weights": Target(_weights, _read_weights),
    "run folder": Target(lambda: [_evaluated()], _read_run),
    "settings": Target(_settings, _read_settings),
}
