"""One line a reason, whatever the number of cells."""

from semeia.evaluation.notes import Notes


def test_reasons_are_gathered():
    notes = Notes()
    notes.add("3 rows have no label")
    for number in range(8):
        notes.add("left out", f"cell {number}")
        notes.add("left out", f"cell {number}")
    first, second = notes.lines()
    assert first == "3 rows have no label"
    assert second == "left out: cell 0; cell 1; cell 2; cell 3; cell 4; cell 5; and 2 more"
