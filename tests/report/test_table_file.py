"""A table is written as the suffix says, and nothing is replaced."""

from pathlib import Path

import polars as pl
import pytest

from semeia.errors import InputError
from semeia.report.terminal import table_writer

TABLE = pl.DataFrame({"unit_id": ["a", "b"], "score": [0.25, None]})


@pytest.mark.parametrize(("suffix", "read"), [(".csv", pl.read_csv), (".parquet", pl.read_parquet)])
def test_round_trip(suffix: str, read, tmp_path: Path):
    path = tmp_path / "new" / f"table{suffix}"

    table_writer(path)(TABLE)

    assert read(path).equals(TABLE)
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_what_is_there_stays(tmp_path: Path):
    path = tmp_path / "table.csv"
    path.write_text("kept")

    with pytest.raises(InputError, match="is there already"):
        table_writer(path)

    assert path.read_text() == "kept"


def test_another_suffix_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match=r"written as \.csv or \.parquet"):
        table_writer(tmp_path / "table.xlsx")
