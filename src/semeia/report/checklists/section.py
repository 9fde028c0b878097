"""Fill reporting checklists from a run where it knows the answer; what only people know is left visibly open.

A checklist is a file beside this one: items in our own words under their official numbers, each with its fact's name.
"""

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from semeia.report.checklists.facts_of_results import OF_RESULTS
from semeia.report.checklists.facts_of_run import OF_RUN, STATED
from semeia.report.content import Section
from semeia.report.run_folder import Run

FACTS: dict[str, Callable[[Run], str]] = {**OF_RUN, **OF_RESULTS, **dict.fromkeys(STATED, lambda run: "")}
FOLDER = Path(__file__).parent
NAMES = ("tripod_ai", "probast_ai")
FOR_IMAGES = "claim"


@dataclass(frozen=True)
class Item:
    """One item: `said` is what the run says to it, `left` what remains for the authors; either may be empty."""

    number: str
    section: str
    text: str
    said: str
    left: str


@dataclass(frozen=True)
class Checklist:
    """One checklist, filled from a run."""

    name: str
    about: str
    source: str
    items: list[Item]

    @property
    def tally(self) -> str:
        """Return how many items the run answers."""
        filled = [item for item in self.items if item.said]
        partly = sum(bool(item.left) for item in filled)
        rest = f", {partly} of them in part" if partly else ""
        return f"{len(filled)} of {len(self.items)} filled from this run{rest}"


def checklists_section(run: Run) -> Section:
    """Show the checklists, folded; CLAIM where the run reads images."""
    images = any("image" in about.modalities for about in run.names.description.arms.values())
    lists = [*NAMES, FOR_IMAGES] if images else [*NAMES]
    lead = (
        "What this run can say to the checklists of journals. What only people know is left open, and a filled item is "
        "still to be read by its authors."
    )
    return Section("checklists", "Checklists", lead=lead, own=[filled(name, run) for name in lists])


def filled(name: str, run: Run) -> Checklist:
    """Return a checklist by the name of its file, each item with what the run says."""
    table = tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    said = cache(lambda fact: run.statements.get(fact) or FACTS[fact](run))
    items = []
    for item in table["items"]:
        words = said(item["from"]) if "from" in item else ""
        left = item.get("left", "") if words else ""
        items.append(Item(item["number"], item["section"], item["text"], words, left))
    return Checklist(table["name"], table["about"], table["source"], items)
