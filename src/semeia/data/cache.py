"""Keep arrays of observations on disk by content, so that they are made once and mapped into memory afterwards."""

from dataclasses import replace
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import polars as pl

from semeia.archive.atomic import replacing
from semeia.archive.store import Archive
from semeia.data.modality import Arrays, Modality


def cached_arrays(archive: Archive, modality: Modality, found: pl.DataFrame, cache: Path | None) -> Arrays:
    """Read a modality's observations, or map what was read before into memory.

    A file that is cut short or of another shape is made again. Without a cache, and of modalities that are small,
    everything is kept in memory.
    """
    if cache is None or not modality.large or found.is_empty():
        return modality.read(archive, found, np.zeros)
    stem = f"{type(modality).__name__.lower()}-{archive.fingerprint()[:16]}-{modality.key()}"
    values, rest = cache / f"{stem}.values.npy", cache / f"{stem}.rest.npz"
    if values.exists() and rest.exists():
        try:
            with rest.open("rb") as handle, np.load(handle) as part:
                kept = Arrays(np.load(values, mmap_mode="r"), part["mask"], tuple(part["names"].tolist()))
            if len(kept) == len(kept.values) == found.height:
                return kept
        except (ValueError, OSError, EOFError, KeyError, BadZipFile):
            pass
    with replacing(values) as temporary:

        def on_disk(shape: tuple[int, ...], dtype: type) -> np.ndarray:
            return np.lib.format.open_memmap(temporary, "w+", dtype, shape)

        arrays = modality.read(archive, found, on_disk)
        arrays.values.flush()  # pyright: ignore[reportAttributeAccessIssue]
    with replacing(rest) as temporary, temporary.open("wb") as handle:
        np.savez(handle, mask=arrays.mask, names=np.array(arrays.names, str))
    return replace(arrays, values=np.load(values, mmap_mode="r"))
