"""One of a run's further tables as a section needs it: of one outcome and the page's restriction, in its columns."""

from collections.abc import Mapping

import polars as pl

from semeia.report.estimates import ALL
from semeia.report.run_folder import Run


def analysis_table(run: Run, name: str, columns: Mapping[str, type], *, outcome: str) -> pl.DataFrame:
    """The rows of a table that speak of an outcome; none when the run has no such table.

    Args:
        run: what the page is about.
        name: of the table.
        columns: what the analysis that made it says its columns are. One that the file lacks (an older run) is null;
            texts are never null.
        outcome: of the page.
    """
    table = run.tables.get(name, pl.DataFrame(schema=columns))
    there = [
        (pl.col(column) if column in table.columns else pl.lit(None)).cast(dtype).alias(column)
        for column, dtype in columns.items()
    ]
    texts = pl.col(pl.String).fill_null("")
    return table.select(there).with_columns(texts).filter(outcome=outcome, stratum=run.restriction or ALL)
