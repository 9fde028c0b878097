"""Tables of predictions as strangers bring them, and the sentences of the pages that come of them."""

import re
from collections.abc import Callable
from html import unescape
from pathlib import Path

import numpy as np
import polars as pl

from grade_tables import grade_predictions
from prediction_tables import predictions
from semeia.evaluation import EvaluationSettings
from semeia.report.evaluation_folder import evaluate_table

PLAIN = ["subject_id", "unit_id", "label", "score"]
Stranger = tuple[pl.DataFrame, EvaluationSettings]


def settings(**given: object) -> EvaluationSettings:
    """Few draws: the words are read here, not the numbers."""
    return EvaluationSettings(draws=100, **({"covariate": None} | given))  # pyright: ignore[reportArgumentType]


def table(**given: object) -> pl.DataFrame:
    """Predictions with arms and cohorts of any name; what no stranger would write is dropped."""
    made = predictions(**({"seeds": 1, "patients": 30} | given))  # pyright: ignore[reportArgumentType]
    return made.drop("study", "mode", "fraction", "outcome")


def named_like_ours() -> Stranger:
    """Arms that happen to be called as some of our studies call theirs, one subtracted."""
    made = table(arms={"mae": 1.5, "random": 0.2, "scanner": 0.4}, cohorts=("all",))
    return made.drop("cohort", "seed", "site", "diameter_mm"), settings(references=("random",))


def named_like_the_nodule_study() -> Stranger:
    """The names of another study, with its modes, cohorts and outcome."""
    made = predictions(arms={"multimodal_jepa": 1.5, "multimodal_scratch": 0.3}, seeds=1, patients=40)
    return made.with_columns(study=pl.lit("nodule")), settings(references=("multimodal_scratch",))


def three_columns() -> Stranger:
    """A patient, a label and a score."""
    return table(arms={"model": 1.0}, cohorts=("all",)).select("subject_id", "label", "score"), settings()


def two_sites() -> Stranger:
    """No cohort, but two sites."""
    return table(arms={"model": 1.0}, cohorts=("all",)).drop("cohort", "seed"), settings(by="site")


def two_cohorts() -> Stranger:
    """One model in two cohorts of the schema's names, no seeds."""
    return table(arms={"model": 1.0}).drop("seed"), settings(covariate="diameter_mm")


def own_cohorts() -> Stranger:
    """Cohorts of the stranger's own names."""
    return table(arms={"old": 0.4, "new": 1.2}, cohorts=("Bern", "Basel")).drop("seed"), settings(references=("old",))


def several_classes() -> Stranger:
    """Three classes, one model."""
    made = grade_predictions(k=3, patients=40, cohorts=("all",), seeds=1, arms={"model": 1.0})
    return made.drop("study", "cohort", "seed"), settings()


def several_seeds() -> Stranger:
    """Five seeds, each testing patients of its own."""
    return table(arms={"model": 1.0}, seeds=5, cohorts=("internal",)), settings()


def several_fractions() -> Stranger:
    """One model given half and all of the labels."""
    made = table(arms={"model": 1.0}, cohorts=("all",)).drop("cohort", "seed")
    halves = [made.with_columns(fraction=pl.lit(f), score=pl.col("score") * f) for f in (0.5, 1.0)]
    return pl.concat(halves), settings()


def restricted() -> Stranger:
    """A part of the patients only."""
    made = table(arms={"model": 1.0}, cohorts=("all",)).drop("cohort", "seed")
    return made, settings(where="diameter_mm >= 6", covariate="diameter_mm")


def few_patients() -> Stranger:
    """A dozen patients and noise."""
    rng = np.random.default_rng(0)
    columns = {"subject_id": [f"s{i}" for i in range(12)], "label": [0, 1] * 6, "score": rng.random(12)}
    return pl.DataFrame(columns), settings()


def ordinal() -> Stranger:
    """Four grades in an order, two models, an inside and an outside."""
    made = grade_predictions(k=4, patients=40, seeds=1, arms={"model": 1.0, "reader": 0.5})
    return made.drop("study", "seed"), settings(ordinal=True, references=("reader",))


def repeated_rows() -> Stranger:
    """A table whose rows were written twice by a stranger's join."""
    made = three_columns()[0].with_row_index("unit_id").with_columns(pl.col("unit_id").cast(pl.String))
    return pl.concat([made, made.with_columns(unit_id="again-" + pl.col("unit_id"))]), settings()


def no_positives_outside() -> Stranger:
    """An outside in which nobody has the outcome."""
    made, chosen = two_cohorts()
    return made.with_columns(label=pl.when(cohort="external").then(0).otherwise(pl.col("label"))), chosen


def three_positives() -> Stranger:
    """Sixty patients, three of them positive and ranked first."""
    rng = np.random.default_rng(1)
    label = [1] * 3 + [0] * 57
    score = np.where(label, 0.9, 0.5 * rng.random(60))
    return pl.DataFrame({"subject_id": [f"s{i}" for i in range(60)], "label": label, "score": score}), settings()


def seeds_without_cohort() -> Stranger:
    """Three seeds and no cohort."""
    return table(arms={"model": 1.0}, seeds=3, cohorts=("all",)).drop("cohort", "site"), settings()


def several_outcomes() -> Stranger:
    """Two outcomes of the same patients."""
    made = three_columns()[0]
    other = made.with_columns(outcome=pl.lit("death"), label=1 - pl.col("label"), score=1 - pl.col("score"))
    return pl.concat([made.with_columns(outcome=pl.lit("relapse")), other.select(*made.columns, "outcome")]), settings()


STRANGERS: tuple[Callable[[], Stranger], ...] = (
    named_like_ours,
    named_like_the_nodule_study,
    three_columns,
    two_sites,
    two_cohorts,
    own_cohorts,
    several_classes,
    several_seeds,
    several_fractions,
    restricted,
    few_patients,
    ordinal,
    repeated_rows,
    no_positives_outside,
    three_positives,
    seeds_without_cohort,
    several_outcomes,
)


def page_of(stranger: Callable[[], Stranger], folder: Path) -> Path:
    """Evaluate a stranger's table; the path of its page."""
    made, chosen = stranger()
    path = folder / "table.csv"
    made.write_csv(path)
    evaluate_table(path, out=folder / "out", settings=chosen)
    return folder / "out" / "report.html"


def sentences_of(page: Path) -> str:
    """What a reader reads, of the checklists beside it too: no drawing, setting or tag, and no question of a list."""
    lists = page.with_name("checklists.html")
    text = page.read_text(encoding="utf-8") + (lists.read_text(encoding="utf-8") if lists.exists() else "")
    text = re.sub(r"<(style|pre|svg)\b.*?</\1>", " ", text, flags=re.DOTALL)
    text = re.sub(r'<section id="checklists".*?</section>', _answers, text, flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", text)).replace("\u00a0", " "))


def _answers(section: re.Match[str]) -> str:
    """The third cell of each row of a checklist."""
    return " ".join(re.findall(r"</td><td>(.*?)</td></tr>", section[0], flags=re.DOTALL))
