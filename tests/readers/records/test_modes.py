"""The first rule that fits a code decides its mode; without one its values do."""

import polars as pl
import pytest

from semeia.archive.schema import MODES
from semeia.readers.records.code_facts import RULES, modes_of


def decided(code: str, *, events: int = 10, numbers: int = 0) -> tuple[str, str]:
    found = modes_of(pl.DataFrame({"code": [code], "events": [events], "numbers": [numbers]}))
    return found["mode"][0], found["rule"][0]


@pytest.mark.parametrize(
    ("code", "mode"),
    [
        ("MEDS_BIRTH", "other"),
        ("MEDS_DEATH", "other"),
        ("RACE//WHITE", "demographic"),
        ("LAB//50912//mg/dL", "measurement"),
        ("LOINC/2823-3", "measurement"),
        ("Blood Pressure Sitting", "measurement"),
        ("SUBJECT_FLUID_OUTPUT//226559//ml", "measurement"),
        ("DIAGNOSIS//ICD//9//4019", "condition"),
        ("ICD10CM/E11.9", "condition"),
        ("SNOMED/44054006", "condition"),
        ("PROCEDURE//ICD//10//0B5F8ZZ", "condition"),
        ("PROCEDURE//END//225401", "other"),
        ("MEDICATION//Aspirin//Administered", "medication"),
        ("MEDICATION//Aspirin//Not Given", "other"),
        ("MEDICATION//STOP//Aspirin", "other"),
        ("INFUSION_START//225158", "medication"),
        ("INFUSION_END//225158", "other"),
        ("rxnorm/6809", "medication"),
        ("HOSPITAL_ADMISSION//URGENT", "other"),
        ("DRG//APR//720", "other"),
        ("LABOUR", "other"),
    ],
)
def test_vocabularies_decide(code: str, mode: str):
    assert decided(code)[0] == mode


def test_without_a_rule_the_values_decide():
    assert decided("own code", numbers=6) == ("measurement", "most events have a number")
    assert decided("own code", numbers=5) == ("other", "no rule fits")


def test_order_is_kept_and_every_rule_is_of_a_mode():
    codes = ["z", "LOINC/1", "a", "LOINC/1"]
    assert modes_of(pl.DataFrame({"code": codes, "events": 1, "numbers": 0}))["code"].to_list() == codes
    assert {rule.mode for rule in RULES} <= set(MODES)
    assert len({rule.pattern for rule in RULES}) == len(RULES)
