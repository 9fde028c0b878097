"""Tiny archives for tests, and a list of every file in a folder."""

import json
from pathlib import Path

import numpy as np
import polars as pl

from semeia.archive import Summary, Writer, writing
from semeia.archive.hashing import file_sha256
from semeia.archive.store import MANIFEST


def fill(draft: Writer, patients: int = 4, *, first: int = 0, split: bool = False) -> None:
    """Patients with one nodule, one img8 volume, one rating and one label each; labels alternate."""
    for place in range(first, first + patients):
        halves = ("train", "test")[place % 2] if split else None
        subject_id, pseudonym = draft.subject(f"CANARY-{place}", site="north", split=halves)
        unit_id = draft.unit(f"{pseudonym}/n00", subject_id, "nodule", covariates={"diameter_mm": 5.0 + place % 2})
        rng = np.random.default_rng(place)
        draft.image(
            rng.integers(0, 256, (12, 10, 3), dtype=np.uint8),
            unit_id=unit_id,
            subject_id=subject_id,
            kind="img8",
            intensity="per_slice_stretched",
            spacing=(0.7, 0.7, 2.5),
            orientation="RAS",
        )
        draft.reading(unit_id, subject_id, reader="input", item="subtlety", value=3)
        draft.outcome("malignancy", unit_id, subject_id, value=place % 2)


def small_archive(path: Path, patients: int = 4, *, first: int = 0, split: bool = False) -> Summary:
    """Write (or extend) an archive with `fill`."""
    with writing(path, source="test") as draft:
        fill(draft, patients, first=first, split=split)
    return draft.summary


def listing(path: Path) -> dict[str, bytes]:
    """Every file below `path` with its content, and every folder."""
    return {
        str(entry.relative_to(path)): entry.read_bytes() if entry.is_file() else b"/"
        for entry in sorted(path.rglob("*"))
    }


def rewrite(path: Path, name: str, frame: pl.DataFrame, **listed: object) -> None:
    """Replace a table's file in an archive, such as "images/0001.parquet", as if it had been ingested so."""
    frame.write_parquet(path / name)
    manifest = json.loads((path / MANIFEST).read_text()) | listed
    for part in manifest["parts"]:
        if name in part["files"]:
            part["files"][name] = file_sha256(path / name)
    (path / MANIFEST).write_text(json.dumps(manifest))
