"""A table of predictions says who is inside: whoever comes from a site where a model was fitted."""

import numpy as np
import polars as pl
import pytest

from semeia.learning.prediction_table import home_sites, predictions_of
from semeia.learning.stored import Choice


@pytest.mark.parametrize(
    ("seen", "cohorts"),
    [
        ([True, False, False, False], ["internal", "internal", "external", "external"]),
        ([False, False, False, True], ["external", "external", "external", "internal"]),
        ([False] * 4, ["external"] * 4),
    ],
)
def test_cohorts_follow_the_sites_of_whom_was_seen(seen: list[bool], cohorts: list[str]):
    units = pl.DataFrame({"site": ["north", "north", "south", None]})
    table = units.with_columns(unit_id=pl.lit("u"), pseudonym=pl.lit("p"), label=1, score=0.5, age=60)
    found = predictions_of(
        table,
        Choice("arm", "frozen", 1.0),
        study="own",
        outcome="malignant",
        seed=3,
        home=home_sites(units, np.array(seen)),
    )
    assert found["cohort"].to_list() == cohorts
    assert found.columns[-4:] == ["unit_id", "label", "score", "age"]
    assert found.select("study", "outcome", "arm", "mode", "fraction", "seed").unique().rows() == [
        ("own", "malignant", "arm", "frozen", 1.0, 3)
    ]
