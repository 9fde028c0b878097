"""Write made-up radiology reports (findings, impression) from Kellgren-Lawrence grades.

Nobody has written them.

Why: no public set has knee radiographs with reports, and hospitals' reports do not tell the grade. This shows whether
text can carry findings to an image encoder at all. Findings are drawn from the grade, so text leaks it: never a result.

Assumptions, all ours:
1. Only knees with osteoarthritis (grade 2 and up) are reported on, as in a corpus of arthritis patients.
2. Osteophytes, narrowing and sclerosis depend on the grade (`OSTEOPHYTES` and so on, by grade 2, 3, 4).
3. A finding is lost with probability `noise`: it is then drawn as in any arthritic knee, whatever the grade.
4. Effusion tells nothing of the grade. It is likelier with a higher `score`, where the caller gives one (a hidden
   rate of worsening, say): then text knows what the grade does not.
5. The writer has one phrase a finding, so many reports are alike, and names no grade, number or degree.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from semeia.errors import InputError
from semeia.worlds.draws import generator, require_columns, with_grades

REPORTED_FROM = 2
OSTEOPHYTES = {"small": (0.75, 0.35, 0.05), "large": (0.25, 0.65, 0.95)}
NARROWING = {"none": (0.65, 0.05, 0.0), "narrowed": (0.35, 0.85, 0.15), "lost": (0.0, 0.10, 0.85)}
SCLEROSIS = {"no": (0.85, 0.55, 0.15), "yes": (0.15, 0.45, 0.85)}
MEDIAL = 0.75
PHRASES = {
    "osteophytes": {
        "small": "Osteoarthritis with small marginal osteophytes",
        "large": "Osteoarthritis with large osteophytes",
    },
    "narrowing": {
        "none": "preserved joint space",
        "narrowed": "{side} joint space narrowing",
        "lost": "{side} bone on bone contact",
    },
    "sclerosis": {"no": "", "yes": "Subchondral sclerosis."},
    "effusion": {"no": "No joint effusion.", "yes": "Joint effusion."},
}


@dataclass(frozen=True)
class FindingSettings:
    """How findings are drawn.

    Attributes:
        noise: probability, of each finding, of telling nothing of the grade; 0 to 1.
        effusion: probability of an effusion at a score of 0.
        effusion_slope: change of its log-odds with one unit of the score.
    """

    noise: float = 0.1
    effusion: float = 0.3
    effusion_slope: float = 1.5

    def __post_init__(self) -> None:
        if not 0 <= self.noise <= 1 or not 0 < self.effusion < 1:
            raise InputError("findings: noise must be 0 to 1 and effusion between 0 and 1.")


def findings(knees: pl.DataFrame, *, seed: int, settings: FindingSettings | None = None) -> pl.DataFrame:
    """Draw what a radiologist would find.

    Args:
        knees: unit_id, grade (0 to 4) and, where wanted, score (mean 0, sd 1). Of training patients only.
        seed: a knee's findings follow from it, the unit_id, the grade and the score.
        settings: how they are drawn.

    Returns:
        unit_id, osteophytes (small, large), narrowing (none, narrowed, lost), compartment (medial, lateral),
        sclerosis (no, yes), effusion (no, yes), synthetic (true); only of knees of grade 2 and up, in their order.

    Raises:
        InputError: A column is missing or empty, or a grade is none.
    """
    settings = settings or FindingSettings()
    require_columns(knees, "unit_id")
    graded = with_grades(knees)
    scored = graded if "score" in graded.columns else graded.with_columns(score=0.0)
    require_columns(scored, "score")
    arthritic = scored.filter(pl.col("grade") >= REPORTED_FROM).select("unit_id", "grade", "score")
    rows = [_drawn(*row, seed=seed, settings=settings) for row in arthritic.iter_rows()]
    names = ("unit_id", "osteophytes", "narrowing", "compartment", "sclerosis", "effusion")
    frame = pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row")
    return frame.with_columns(synthetic=pl.lit(True))


def impressions(found: pl.DataFrame) -> pl.DataFrame:
    """Write what was found.

    Args:
        found: From `findings`.

    Returns:
        unit_id, text, synthetic (true). No text holds a digit, a grade or a word of degree.
    """
    require_columns(found, "unit_id", "compartment", *PHRASES)
    texts = [_written(row) for row in found.iter_rows(named=True)]
    return found.select("unit_id", pl.Series("text", texts, pl.String), pl.lit(True).alias("synthetic"))


def _drawn(unit_id: str, grade: int, score: float | int, *, seed: int, settings: FindingSettings) -> tuple[str, ...]:
    rng = generator(seed, "findings", unit_id)
    told = []
    for table in (OSTEOPHYTES, NARROWING, SCLEROSIS):
        chances = np.array([*table.values()])
        blind = rng.random() < settings.noise
        told.append(str(rng.choice([*table], p=chances.mean(1) if blind else chances[:, grade - REPORTED_FROM])))
    compartment = "medial" if rng.random() < MEDIAL else "lateral"
    odds = settings.effusion / (1 - settings.effusion) * np.exp(settings.effusion_slope * score)
    effusion = "yes" if rng.random() < odds / (1 + odds) else "no"
    osteophytes, narrowing, sclerosis = told
    return unit_id, osteophytes, narrowing, compartment, sclerosis, effusion


def _written(row: dict[str, str]) -> str:
    said = {finding: phrases[row[finding]] for finding, phrases in PHRASES.items()}
    narrowing = said["narrowing"].format(side=row["compartment"])
    first = f"{said['osteophytes']} and {narrowing}."
    return " ".join(sentence for sentence in (first, said["sclerosis"], said["effusion"]) if sentence)
