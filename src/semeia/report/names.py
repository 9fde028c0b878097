"""Name and style the arms, outcomes, cohorts and strata of a run as it describes them; others keep their own names."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from semeia.evaluation.description import ROLES, ArmDescription, Description
from semeia.evaluation.schema import EVERY_ROW
from semeia.report.numbers import EN_DASH, NBSP, listed
from semeia.report.plots.style import LegendItem, Style, style_of

MODES = {"none": "", "frozen": "frozen", "finetune": "fine-tuned", "probe_finetune": "probed, then fine-tuned"}
ALL = EVERY_ROW  # also the cohort of a table that names none
INTERNAL = "internal"  # the cohort on which evaluation chooses thresholds
MOST_HEADLINES = 6
Pair = tuple[str, str]  # an arm and its mode


@dataclass(frozen=True)
class Names:
    """The words of one run."""

    description: Description  # what the run says of itself
    pretrained: frozenset[str] = frozenset()  # arms that the run pretrained, as its record lists them
    pairs: tuple[Pair, ...] = ()  # the arms and modes of the results, in the order of the table
    cohorts: tuple[str, ...] = ()  # of the results, in the order of the page
    several_fractions: bool = False  # whether arms were given several shares of the labels
    several_seeds: bool = False  # whether a number is a mean over seeds

    @property
    def all_labels(self) -> str:
        """Say that figures are of all labels, where arms were also given fewer."""
        return " with all labels" if self.several_fractions else ""

    @property
    def over_seeds(self) -> str:
        """Say that figures are means over seeds, where there are several."""
        return ", averaged over seeds" if self.several_seeds else ""

    @property
    def threshold(self) -> str:
        """Say where the operating threshold is from; empty where none can be chosen."""
        if len(self.cohorts) == 1:
            return "The threshold of each patient was chosen on other patients."
        if INTERNAL not in self.cohorts:
            return ""
        others = listed([self.place(cohort) for cohort in self.cohorts if cohort != INTERNAL])
        return f"The threshold was chosen on other patients {self.place(INTERNAL)} and used unchanged {others}."

    def about(self, arm: str) -> ArmDescription:
        """Describe an arm; one of which the run says nothing is a model of its own name."""
        known, (base, _, axes) = self.description.arms, arm.partition("@")
        if arm in known or base not in known:
            role = "pretrained" if arm in self.pretrained else "model"
            return known.get(arm) or ArmDescription(title=arm, role=role)
        # Of an arm that was run on further axes: where it stands on them.
        words = axes.replace("@", ", ").replace("=", " ")
        return replace(known[base], title=f"{known[base].title or base}, {words}")

    def arm(self, arm: str, mode: str = "none") -> str:
        """Title an arm with its mode; a network trained from scratch in one way only needs no mode."""
        about, words = self.about(arm), MODES.get(mode, mode)
        only = about.role == "scratch" and sum(name == arm for name, _ in self.pairs) < 2
        return about.title or arm if not words or only else f"{about.title or arm} ({words})"

    def reference(self, reference: str) -> str:
        """Title a reference, written "arm" or "arm/mode" in the results."""
        arm, _, mode = reference.partition("/")
        return self.arm(arm, mode or "none")

    def outcome(self, outcome: str) -> str:
        """Say an outcome inside a sentence."""
        return self.description.outcomes.get(outcome) or outcome

    def cohort(self, cohort: str) -> str:
        """Title a cohort."""
        described = self.description.cohorts.get(cohort)
        if described and described.title:
            return described.title
        return "All patients" if cohort == ALL else cohort[:1].upper() + cohort[1:]

    def place(self, cohort: str) -> str:
        """Say a cohort inside a sentence."""
        described = self.description.cohorts.get(cohort)
        if described and described.place:
            return described.place
        if cohort == ALL:
            return "over all patients"
        return f"in the {cohort} cohort" if cohort in ("internal", "external") else f"in the cohort {cohort}"

    def stratum(self, stratum: str) -> str:
        """Say a restriction; a plain range of one column in words, any other as it was given."""
        described = self.description.strata.get(stratum)
        pattern = r"(\w+?)(_mm)? >= ([\d.]+) AND \1\2 <= ([\d.]+)"
        match = re.fullmatch(pattern, stratum.strip(), flags=re.IGNORECASE)
        if described or not match:
            return described or stratum
        name, unit, low, high = match.groups()
        return f"{name.replace('_', ' ')} {low}{EN_DASH}{high}{NBSP + 'mm' if unit else ''}"

    def is_pretraining(self, arm: str, reference: str) -> bool:
        """Tell whether arm less reference is a network with pretraining less the same network without."""
        one, other = self.about(arm), self.about(reference.partition("/")[0])
        return (one.role, other.role) == ("pretrained", "scratch") and one.family == other.family

    def in_order(self, pairs: Iterable[Pair]) -> list[Pair]:
        """Order arms and modes by the part they play, then as the run describes them, then as they come; each once."""
        roles, described = list(ROLES), {arm: at for at, arm in enumerate(self.description.arms)}
        return sorted(
            dict.fromkeys(pairs),
            key=lambda pair: (roles.index(self.about(pair[0]).role), described.get(pair[0], len(described))),
        )

    def headlines(self, pairs: Iterable[Pair], *, most: int = MOST_HEADLINES) -> list[Pair]:
        """Choose the few arms worth a line of their own by what they are, never by how they did; else the first."""
        ordered = self.in_order(pairs)
        networks = [p for p in ordered if self.about(p[0]).role in ("pretrained", "scratch")]
        plain = [p for p in networks if p[1] in ("finetune", "none")]
        models = [p for p in ordered if self.about(p[0]).role == "model"]
        marks = [p for p in ordered if p[0] in self.description.yardsticks]
        chosen = [*plain, *models] or ordered
        kept = chosen[: most - len(marks)]
        return kept + [mark for mark in marks if mark not in kept]

    @cached_property
    def _positions(self) -> dict[str, int]:
        """The place of each arm among those of its part."""
        positions: dict[str, int] = {}
        for arm in dict.fromkeys(arm for arm, _ in [*((a, "") for a in self.description.arms), *self.pairs]):
            role = self.about(arm).role
            positions[arm] = sum(self.about(other).role == role for other in positions)
        return positions

    def style(self, arm: str, mode: str) -> Style:
        """Style an arm in a mode."""
        return style_of(self.about(arm).role, mode, position=self._positions.get(arm, 0))

    def legend(self, pairs: Iterable[Pair], *, modes: bool = True) -> list[LegendItem]:
        """List arms with their styles, and with their modes unless the panels say those."""
        return [LegendItem(self.arm(arm, mode if modes else "none"), self.style(arm, mode)) for arm, mode in pairs]
