"""A file of a record that is damaged within, not only cut short, is refused by its name."""

from pathlib import Path

import polars as pl
import pytest

from meds_folder import write_meds
from semeia.errors import InputError
from semeia.readers import ingest_meds
from semeia.readers.records.sources import parquet_columns


def test_a_parquet_file_with_a_damaged_page_is_refused(tmp_path: Path):
    write_meds(tmp_path / "meds")
    shard = tmp_path / "meds" / "data" / "train" / "0.parquet"
    whole = shard.read_bytes()
    shard.write_bytes(whole[:4] + b"\xff" * 24 + whole[28:])
    with pytest.raises(InputError, match="damaged or cut short, no row of it was taken"):
        ingest_meds(tmp_path / "meds", into=tmp_path / "a")
    assert not (tmp_path / "a").exists()


def test_a_name_of_a_column_that_is_no_text_is_damage(tmp_path: Path):
    file = tmp_path / "events.parquet"
    pl.DataFrame({"measured": [1]}).write_parquet(file)
    file.write_bytes(file.read_bytes().replace(b"measured", b"\xffeasured"))
    with pytest.raises(InputError, match="damaged or cut short, no row of it was taken"):
        parquet_columns(file)
