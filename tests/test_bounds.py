"""What a file may claim is bounded before memory is taken; each bound is a setting, which its refusal names."""

import gzip
import io
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from dicom_folder import write
from semeia.archive.small_file import read_json
from semeia.archive.table_file import read_table
from semeia.bounds import BOUNDS, most
from semeia.errors import InputError
from semeia.readers.dicom.header import ABSURD, read_header
from semeia.readers.features import ingest_features
from semeia.readers.images.nifti import read_nifti
from semeia.readers.images.picture_file import read_picture


def test_a_bound_is_a_whole_number(monkeypatch: pytest.MonkeyPatch):
    for name, (usual, _) in BOUNDS.items():
        assert most(name) == usual
        monkeypatch.setenv(name, "12")
        assert most(name) == 12
        for wrong in ("0", "-1", "1e9", "many"):
            monkeypatch.setenv(name, wrong)
            with pytest.raises(InputError, match=f"{name}: must be a whole number of 1 or more"):
                most(name)


def test_the_page_lists_every_bound():
    page = (Path(__file__).parents[1] / "docs" / "reliability.md").read_text()
    for name, (usual, what) in BOUNDS.items():
        assert f"| `{name}` | {usual:,} | {what} |" in page


def nifti(path: Path) -> Path:
    import nibabel as nib

    raw = nib.Nifti1Image(np.zeros((30, 30, 30), np.int16), np.eye(4)).to_bytes()
    path.write_bytes(gzip.compress(raw))
    return path


def test_voxels_pixels_bytes_and_cells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    Image.new("L", (20, 20)).save(tmp_path / "x.png")
    (tmp_path / "x.json").write_text("[1, 2, 3, 4, 5, 6, 7]")
    pl.DataFrame({"a": range(99), "b": 0}).write_parquet(tmp_path / "x.parquet")
    pl.DataFrame({"a": range(99)}).write_csv(tmp_path / "x.csv")
    (tmp_path / "y.csv.gz").write_bytes(gzip.compress(b"a\n" + b"1\n" * 900))
    reads = (
        ("SEMEIA_MOST_PIXELS", "399", "400", lambda: read_picture(tmp_path / "x.png")),
        ("SEMEIA_MOST_VOXELS", "26999", "27000", lambda: read_nifti(nifti(tmp_path / "x.nii.gz"))),
        ("SEMEIA_MOST_TABLE_CELLS", "197", "198", lambda: read_table(tmp_path / "x.parquet")),
        ("SEMEIA_MOST_TABLE_BYTES", "100", "10000", lambda: read_table(tmp_path / "x.csv")),
        ("SEMEIA_MOST_TABLE_BYTES", "100", "10000", lambda: read_table(tmp_path / "y.csv.gz")),
    )
    for name, little, enough, read in reads:
        with monkeypatch.context() as patch:
            patch.setenv(name, little)
            with pytest.raises(InputError, match=name) as refused:
                read()
            assert "\n" not in str(refused.value)
            patch.setenv(name, enough)
            read()
    monkeypatch.setenv("SEMEIA_MOST_SMALL_BYTES", "10")
    with pytest.raises(InputError, match="is larger than"):
        read_json(tmp_path / "x.json")


def test_a_parquet_file_of_a_few_bytes_may_claim_billions_of_rows(tmp_path: Path):
    import pyarrow as pa
    from pyarrow import parquet

    batch = pa.table({"a": pa.DictionaryArray.from_arrays(np.zeros(2**20, np.int8), pa.array(["x"]))})
    with parquet.ParquetWriter(tmp_path / "x.parquet", batch.schema) as writer:
        for _ in range(300):
            writer.write_table(batch, row_group_size=2**20)
    assert (tmp_path / "x.parquet").stat().st_size < 2**20
    with pytest.raises(InputError, match=r"claims 314572800 rows of 1 columns; at most 268 million are read"):
        read_table(tmp_path / "x.parquet")


def test_a_dicom_file_of_one_pixel_may_claim_millions_of_frames(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = write(tmp_path / "x.dcm", np.zeros((1, 1), np.uint16), NumberOfFrames=2**27)
    assert read_header(path) == ABSURD
    monkeypatch.setenv("SEMEIA_MOST_FRAMES", "2")
    assert read_header(write(tmp_path / "y.dcm", np.zeros((3, 4, 4), np.uint16), NumberOfFrames=3)) == ABSURD


@pytest.mark.parametrize(
    "header",
    [b"{'descr': '<f4', 'shape': (3,", b"{'descr': '<f4', 'fortran_order': False, 'shape': (9999999999999, 4), }"],
)
def test_an_array_whose_header_is_damaged_or_absurd_is_refused(tmp_path: Path, header: bytes):
    text = header + b" " * (117 - len(header)) + b"\n"
    raw = b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + bytes(64)
    (tmp_path / "x.npy").write_bytes(raw)
    pl.DataFrame({"id": ["A-1", "A-2"]}).write_csv(tmp_path / "t.csv")
    with pytest.raises(InputError, match=r"x\.npy: is no array of numbers that NumPy has saved, or is damaged"):
        ingest_features(tmp_path / "t.csv", into=tmp_path / "a", modality="v", subject="id", arrays=tmp_path / "x.npy")


def test_a_small_file_of_arrays_may_not_unpack_without_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    packed = io.BytesIO()
    np.savez_compressed(packed, a=np.zeros(10**6, np.float32))
    (tmp_path / "x.npz").write_bytes(packed.getvalue())
    pl.DataFrame({"id": ["A-1"], "file": ["a"]}).write_csv(tmp_path / "t.csv")
    monkeypatch.setenv("SEMEIA_MOST_TABLE_BYTES", "100000")
    with pytest.raises(InputError, match=r"x\.npz: unpacks to 4000128 bytes; at most 100000 are read"):
        ingest_features(
            tmp_path / "t.csv", into=tmp_path / "a", modality="v", subject="id", arrays=tmp_path / "x.npz", file="file"
        )
