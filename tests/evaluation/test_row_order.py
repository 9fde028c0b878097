"""The same table in any order of its rows gives the same evaluation, to the last digit."""

import pytest

from prediction_tables import predictions
from semeia.evaluation import EvaluationSettings, evaluate
from strangers import named_like_ours, ordinal, own_cohorts, several_fractions


def test_order_of_rows_changes_nothing():
    table = predictions(seeds=3, patients=40)
    settings = EvaluationSettings(
        draws=100, covariate="diameter_mm", references=("baseline",), thresholds=(0.1, 0.9, 0.2)
    )
    plain = evaluate(table, settings=settings)
    for seed in range(2):
        shuffled = evaluate(table.sample(fraction=1.0, shuffle=True, seed=seed), settings=settings)
        assert shuffled.results.equals(plain.results)
        assert shuffled.estimates.equals(plain.estimates)
        assert shuffled.tables.keys() == plain.tables.keys()
        for name, rows in shuffled.tables.items():
            assert rows.equals(plain.tables[name]), name
        assert shuffled.notes == plain.notes


@pytest.mark.parametrize("made", [named_like_ours, ordinal, several_fractions, own_cohorts])
def test_order_of_rows_changes_nothing_of_any_table(made):
    table, settings = made()
    plain, shuffled = (
        evaluate(t, settings=settings) for t in (table, table.sample(fraction=1.0, shuffle=True, seed=5))
    )
    assert plain.estimates.equals(shuffled.estimates)
    assert plain.results.equals(shuffled.results)
