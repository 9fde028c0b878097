"""A mapping is read from YAML with one clear line about what is wrong; those that come with the package are sound."""

from pathlib import Path

import pytest

from semeia.errors import InputError
from semeia.readers.records.mapping import read_mapping, shipped

SMALL = """
people: {from: patients, subject: id, birth: born}
events:
  labs: {from: labs, subject: id, time: taken, code: test, value: result, mode: measurement}
"""


def write(folder: Path, text: str) -> Path:
    (folder / "own.yaml").write_text(text)
    return folder / "own.yaml"


def test_birth_becomes_an_event_and_what_is_not_given_is_empty(tmp_path: Path):
    mapping = read_mapping(write(tmp_path, SMALL))
    assert mapping.name == "own"
    assert [entry.label for entry in mapping.events] == ["birth", "labs"]
    assert mapping.events[0].code == "'MEDS_BIRTH'"
    assert mapping.events[1].unit == "NULL"
    assert mapping.people.site == "NULL"
    assert mapping.outcomes == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [", "is not YAML"),
        ("[" * 600, "is not YAML"),
        ("- 1", "must be a section"),
        ("people: {from: p, subject: id}", r"own.yaml, events: must be a section"),
        ("people: {subject: id}\nevents: {}", r"people: lacks 'from'"),
        ("people: {from: p, subject: id}\nevents: {x: {from: t, subject: s}}", "events x: lacks 'code'"),
        (
            "people: {from: p, subject: id, name: n}\nevents: {}",
            r"people: has no field 'name'; there are birth, death,",
        ),
        ("people: {from: p, subject: id}\nevents: {}\nextra: 1", "has no field 'extra'"),
        ("people: {from: p, subject: id}\nevents: {x: 3}", "events x: must be a section"),
        ("!!python/object/apply:os.system ['true']", "is not YAML"),
    ],
)
def test_what_is_wrong_is_one_line(tmp_path: Path, text: str, words: str):
    with pytest.raises(InputError, match=words):
        read_mapping(write(tmp_path, text))


def test_an_unknown_mapping_lists_those_there_are():
    with pytest.raises(InputError, match="one of eicu, mimic3, synthea, synthea_csv"):
        read_mapping("absent")


@pytest.mark.parametrize("name", shipped())
def test_what_comes_with_the_package_is_sound(name: str):
    mapping = read_mapping(name)
    assert mapping.name == name
    assert {"birth"} <= {entry.label for entry in mapping.events}
    modes = ("condition", "medication", "measurement", "demographic", "other", "NULL")
    assert all(entry.mode in modes for entry in mapping.events)


def test_eicu_never_reads_what_holds_the_outcome():
    words = read_mapping("eicu").words()
    for leak in ("apachepatientresult", "apachepredvar", "careplaneol", "activeupondischarge", "dischargeweight"):
        assert leak not in words
    before_death = [entry for entry in read_mapping("eicu").events if "hospitaldischarge" in entry.code]
    assert before_death == []
