"""Seeds that test different units are one set; seeds that repeat units stay apart."""

from prediction_tables import predictions
from semeia.evaluation.cells import Fold, blocks
from semeia.evaluation.schema import check_predictions
from semeia.evaluation.tables.across_seeds import pooled


def folds(cohort: str) -> dict[int, Fold]:
    frame = check_predictions(predictions(arms={"model": 1.0}, seeds=3)).with_row_index("_row")
    (block,) = blocks(frame, covariate=None)
    return next(iter(block.folds.values()))[cohort]


def test_cross_validated_seeds_are_one_set_and_repeated_ones_are_not():
    (every,) = pooled(folds("internal")).values()
    assert len(every.label) == sum(len(fold.label) for fold in folds("internal").values())
    assert pooled(folds("external")).keys() == {0, 1, 2}
