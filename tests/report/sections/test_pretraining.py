"""What was pretrained on what, gathered over seeds."""

from descriptions import nodule
from semeia.report.names import Names
from semeia.report.sections.pretraining import diagnostics_table, pretrained_arms

NAMES = Names(nodule())
RECORDS: list[dict[str, object]] = [
    {
        "arm": "image_jepa",
        "seed": seed,
        "patients": 100 + seed,
        "modalities": ["image"],
        "epochs": 5,
        "seconds": 30,
        "verdict": "No collapse." if seed < 2 else "Collapsed.",
        "diagnostics": {"std_median": 0.5 + 0.1 * seed, "r2": {"a_to_b": 0.1}},
    }
    for seed in range(3)
]


def test_seeds_with_the_same_verdict_stand_together():
    (arm,) = pretrained_arms(NAMES, RECORDS)

    assert arm.title == "Image-only JEPA"
    assert arm.verdicts == [("Seeds 0 and 1", "No collapse."), ("Seed 2", "Collapsed.")]
    assert ("Patients", "100 to 102 by seed") in arm.facts
    assert ("Epochs", "5") in arm.facts
    assert not any(name == "Units" for name, _ in arm.facts)


def test_diagnostics_have_their_spread_and_meaning():
    table = diagnostics_table(NAMES, RECORDS)

    assert table.columns == ["Diagnostic", "Image-only JEPA", "What it is"]
    assert table.rows[0][:2] == ["std median", "0.600 (0.500 to 0.700)"]
    assert "collapsed" in table.rows[0][2]
    assert table.rows[1][0] == "r2 a to b"


def test_nothing_was_pretrained():
    assert pretrained_arms(NAMES, []) == []
    assert diagnostics_table(NAMES, []).rows == []
