import io
from pathlib import Path

import polars as pl
import pytest

from semeia.archive.parquet_file import read_parquet
from semeia.errors import InputError

FRAME = pl.DataFrame({"id": ["a", "b"], "score": [0.1, None]}).with_columns(
    pl.lit(None, pl.Datetime("us", "UTC")).alias("at"), pl.concat_list("score").alias("list")
)


def bytes_of(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    return buffer.getvalue()


def test_a_table_is_read_as_polars_reads_it(tmp_path: Path):
    (tmp_path / "x.parquet").write_bytes(bytes_of(FRAME))
    frame = read_parquet(tmp_path / "x.parquet")
    assert (frame.schema, frame.rows()) == (FRAME.schema, FRAME.rows())
    assert read_parquet(tmp_path / "x.parquet", columns=["score"]).columns == ["score"]


@pytest.mark.parametrize("bit", [0x01, 0x40, 0x80])
def test_a_bit_anywhere_is_read_or_refused_in_one_line(capfd: pytest.CaptureFixture[str], bit: int):
    """polars itself panics at some of these bits and ends the process at others."""
    whole, read, refusals = bytes_of(FRAME), 0, set()
    for at in range(len(whole)):
        damaged = bytearray(whole)
        damaged[at] ^= bit
        try:
            read_parquet(Path("x.parquet"), content=bytes(damaged))
            read += 1
        except InputError as error:
            refusals.add(str(error))
    assert 0 < read < len(whole)
    assert refusals == {"x.parquet: cannot be read as a table; it is damaged or cut short: copy it again."}
    assert capfd.readouterr() == ("", "")
