"""Read a mapping, which says what a health record's tables mean, into SQL.

Every field of an entry is an expression of duckdb's SQL over its `from`. The tables of the folder have the names
of their files without suffix.
"""

from collections.abc import Mapping as Dictionary
from dataclasses import MISSING, dataclass, field, fields
from importlib import resources
from pathlib import Path
from typing import TypeVar

from semeia.archive.schema import BIRTH, DEATH
from semeia.archive.small_file import MEGABYTE, parse_yaml, read_small
from semeia.errors import InputError


@dataclass(frozen=True)
class People:
    """Who the record is of."""

    source: str
    subject: str
    site: str = "NULL"
    sex: str = "NULL"
    birth: str = "NULL"
    death: str = "NULL"
    split: str = "NULL"
    where: str = "true"


@dataclass(frozen=True)
class Events:
    """Rows of one table that are events; `label` names them in messages and rules.

    An entry without `time` is of facts that hold at any time. Rows of another entry whose time is empty are left out,
    since nobody knows when they were known, unless it is `undated`: then they are such facts, too.
    """

    label: str
    source: str
    subject: str
    code: str
    time: str = "NULL"
    value: str = "NULL"
    text: str = "NULL"
    name: str = "NULL"
    unit: str = "NULL"
    mode: str = "NULL"
    where: str = "true"
    undated: bool = False


@dataclass(frozen=True)
class Units:
    """Things predicted on, such as stays; `unit` is the original id, which is hashed."""

    source: str
    subject: str
    unit: str
    kind: str
    time: str = "NULL"
    covariates: Dictionary[str, str] = field(default_factory=dict)
    where: str = "true"


@dataclass(frozen=True)
class Outcome:
    """Labels of units (or of patients, where there is no `unit`): everything up to `prediction_time` may be seen."""

    name: str
    source: str
    subject: str
    value: str
    prediction_time: str
    unit: str = "NULL"
    where: str = "true"


@dataclass(frozen=True)
class Mapping:
    """A whole record.

    Attributes:
        prepare: Tables to make first, by name: a query each.
        counts: What to put on record, by its words: a query of one number each.
        window: How far back a mean of the record reaches and in what steps, in hours: length_hours, step_hours. Empty
            for a year in days; intensive care wants a day in hours.
    """

    name: str
    people: People
    events: tuple[Events, ...]
    units: tuple[Units, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    prepare: Dictionary[str, str] = field(default_factory=dict)
    counts: Dictionary[str, str] = field(default_factory=dict)
    window: Dictionary[str, float] = field(default_factory=dict)

    @property
    def recorded(self) -> tuple[Events, ...]:
        """The events that are neither births nor deaths; none where a mapping brings labels alone."""
        return tuple(entry for entry in self.events if entry.code not in (f"'{BIRTH}'", f"'{DEATH}'"))

    def words(self) -> str:
        """All its SQL, to look table names up in."""
        entries = (self.people, *self.events, *self.units, *self.outcomes)
        sql = [str(getattr(entry, one.name)) for entry in entries for one in fields(entry)]
        return " ".join([*sql, *self.prepare.values(), *self.counts.values()]).lower()


Entry = TypeVar("Entry", People, Events, Units, Outcome)


def life(people: People) -> tuple[Events, ...]:
    """Birth and death as events, as MEDS has them."""
    return tuple(
        Events(
            label=label,
            source=people.source,
            subject=people.subject,
            time=time,
            code=f"'{code}'",
            where=f"({people.where}) AND ({people.subject}) IS NOT NULL AND ({time}) IS NOT NULL",
        )
        for label, time, code in (("birth", people.birth, BIRTH), ("death", people.death, DEATH))
        if time != "NULL"
    )


def shipped() -> list[str]:
    """The names of the mappings that come with the package."""
    return sorted(file.name.removesuffix(".yaml") for file in resources.files("semeia.readers.mappings").iterdir())


def read_mapping(mapping: str | Path) -> Mapping:
    """The mapping in a YAML file, or one that comes with the package, by its name.

    Raises:
        InputError: No such mapping, or it is not one: names the entry and the field.
    """
    given = str(mapping)
    if given in shipped():
        text = (resources.files("semeia.readers.mappings") / f"{given}.yaml").read_text(encoding="utf-8")
    elif Path(given).is_file():
        text = read_small(given, most=MEGABYTE).decode(errors="replace")
    else:
        raise InputError(f"{given}: no such file; a mapping is a YAML file or one of {', '.join(shipped())}.")
    try:
        content = parse_yaml(text, where=given)
    except InputError as error:
        raise InputError(f"{error} See docs/how-to/records.md for what a mapping looks like.") from error
    return _mapping(content, where=given)


def _mapping(content: object, *, where: str) -> Mapping:
    known = {"name", "people", "events", "units", "outcomes", "prepare", "counts", "window"}
    sections = _section(content, where)
    _refuse_unknown(set(sections), known, where)
    people = _entry(People, sections.get("people"), f"{where}, people")
    return Mapping(
        name=str(sections.get("name", Path(where).stem)),
        people=people,
        events=(
            *life(people),
            *(
                _entry(Events, row, f"{where}, events {label}", label=label)
                for label, row in _section(
                    sections.get("events", {} if "outcomes" in sections else None), f"{where}, events"
                ).items()
            ),
        ),
        units=tuple(
            _entry(Units, row, f"{where}, units {kind}", kind=kind)
            for kind, row in _section(sections.get("units", {}), f"{where}, units").items()
        ),
        outcomes=tuple(
            _entry(Outcome, row, f"{where}, outcomes {name}", name=name)
            for name, row in _section(sections.get("outcomes", {}), f"{where}, outcomes").items()
        ),
        prepare=_texts(sections.get("prepare", {}), f"{where}, prepare"),
        counts=_texts(sections.get("counts", {}), f"{where}, counts"),
        window=_window(sections.get("window", {}), f"{where}, window"),
    )


def _window(content: object, where: str) -> dict[str, float]:
    hours = _section(content, where)
    _refuse_unknown(set(hours), {"length_hours", "step_hours"}, where)
    if not all(type(value) in (int, float) and value > 0 for value in hours.values()) or len(hours) == 1:  # pyright: ignore[reportOperatorIssue]
        raise InputError(f"{where}: give both length_hours and step_hours, as numbers above 0.")
    return {name: float(value) for name, value in hours.items()}  # pyright: ignore[reportArgumentType]


def _entry(entry: type[Entry], row: object, where: str, **given: str) -> Entry:
    """One entry; in YAML `source` is written `from`, as in SQL."""
    values: dict[str, object] = {}
    for name, value in _section(row, where).items():
        if value is not None:
            values["source" if name == "from" else name] = value
    known = {one.name for one in fields(entry)} - set(given)
    _refuse_unknown(set(values), known, where)
    for one in fields(entry):
        if one.name not in values | given and one.default is MISSING and one.default_factory is MISSING:
            raise InputError(f"{where}: lacks '{'from' if one.name == 'source' else one.name}'.")
    typed = {
        name: value is True if name == "undated" else _texts(value, where) if name == "covariates" else str(value)
        for name, value in values.items()
    }
    return entry(**typed, **given)  # pyright: ignore[reportArgumentType]


def _section(content: object, where: str) -> dict[str, object]:
    if not isinstance(content, dict):
        raise InputError(f"{where}: must be a section of names and values.")
    return {str(name): value for name, value in content.items()}


def _texts(content: object, where: str) -> dict[str, str]:
    return {name: str(value) for name, value in _section(content, where).items()}


def _refuse_unknown(names: set[str], known: set[str], where: str) -> None:
    if unknown := sorted(names - known):
        there = ", ".join(sorted("from" if name == "source" else name for name in known))
        raise InputError(f"{where}: has no field '{unknown[0]}'; there are {there}.")
