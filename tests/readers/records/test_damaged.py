"""A file of a record that is damaged within, not only cut short, is refused by its name."""

from pathlib import Path

import pytest

from meds_folder import write_meds
from semeia.errors import InputError
from semeia.readers import ingest_meds


def test_a_parquet_file_with_a_damaged_page_is_refused(tmp_path: Path):
    write_meds(tmp_path / "meds")
    shard = tmp_path / "meds" / "data" / "train" / "0.parquet"
    whole = shard.read_bytes()
    shard.write_bytes(whole[:4] + b"\xff" * 24 + whole[28:])
    with pytest.raises(InputError, match="damaged or cut short, no row of it was taken"):
        ingest_meds(tmp_path / "meds", into=tmp_path / "a")
    assert not (tmp_path / "a").exists()
