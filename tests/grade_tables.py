"""Made-up predictions of grades for tests: arrays with draw weights, and a table of patients with two knees each."""

import numpy as np
import polars as pl

K = 5


def grades(n: int = 200, *, k: int = K, seed: int = 0, noise: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Labels and informative probabilities with ties, summing to 1."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, k, n).astype(np.int8)
    return label, probabilities(label, k=k, rng=rng, noise=noise)


def probabilities(label: np.ndarray, *, k: int, rng: np.random.Generator, noise: float) -> np.ndarray:
    """Probabilities that peak near the label, the nearer the smaller the noise."""
    near = np.exp(-0.7 * np.abs(np.arange(k) - label[:, None] + rng.normal(0, noise, (len(label), 1))))
    rounded = np.round(near / near.sum(axis=1, keepdims=True) * 20) / 20 + 1e-3
    return rounded / rounded.sum(axis=1, keepdims=True)


def drawn_grades() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels [n], probabilities [n, k] and draw weights [30, n]."""
    label, classes = grades()
    return label, classes, np.random.default_rng(1).integers(0, 3, size=(30, len(label)))


def grade_predictions(
    *,
    arms: dict[str, float] | None = None,
    seeds: int = 3,
    patients: int = 60,
    k: int = K,
    cohorts: tuple[str, ...] = ("internal", "external"),
) -> pl.DataFrame:
    """One row a knee, arm and seed. Inside, seed s tests the patients whose number is s modulo `seeds`.

    Args:
        arms: noise of the probabilities by arm.
        k: how many grades.
    """
    rng = np.random.default_rng(0)
    parts = []
    for cohort in cohorts:
        subject = np.repeat(np.arange(patients), 2)
        label = rng.integers(0, k, len(subject)).astype(np.int64)
        knee = pl.DataFrame(
            {
                "subject_id": [f"{cohort}-{number}" for number in subject],
                "unit_id": [f"{cohort}-knee-{number}" for number in range(len(subject))],
                "label": label,
                "site": np.where(subject % 2 == 0, "A", "B"),
                "fold": subject % seeds,
            }
        )
        for arm, noise in (arms or {"model": 0.8, "baseline": 2.0}).items():
            for seed in range(seeds):
                classes = probabilities(label, k=k, rng=rng, noise=noise)
                made = knee.with_columns(
                    study=pl.lit("knees"),
                    outcome=pl.lit("kl_grade"),
                    arm=pl.lit(arm),
                    mode=pl.lit("finetune"),
                    fraction=pl.lit(1.0),
                    seed=pl.lit(seed),
                    cohort=pl.lit(cohort),
                    **{f"score_{grade}": pl.Series(classes[:, grade]) for grade in range(k)},
                )
                parts.append(made.filter(pl.col("fold") == seed) if cohort == "internal" else made)
    return pl.concat(parts).drop("fold")
