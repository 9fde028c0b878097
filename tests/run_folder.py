"""Fabricated run folders: everything a report reads, made from seeded numbers alone, in a fraction of a
second.

`effect` is what pretraining does to the AUROC ("positive", "negative", "inconclusive"): the results are
written down, not computed, so that a test knows what the page must say.
"""

import json
from pathlib import Path

import numpy as np
import polars as pl

from descriptions import nodule
from semeia.studies.nodule import LIMITS
from semeia.studies.run.words import HOUSE

DESCRIBED = nodule()
NETWORKS = {
    ("multimodal_scratch", "finetune"): 0.0,
    ("image_scratch", "finetune"): -0.04,
    ("multimodal_jepa", "frozen"): -0.02,
    ("multimodal_jepa", "finetune"): 0.0,
    ("multimodal_jepa", "probe_finetune"): 0.005,
    ("image_jepa", "finetune"): -0.035,
    ("random_encoder", "frozen"): -0.15,
}
BASELINES = {
    "diameter": 0.90,
    "z_extent": 0.84,
    "scanner": 0.53,
    "human_reader": 0.93,
    "reading_logistic": 0.88,
    "reading_boosting": 0.87,
    "image_components": 0.80,
}
FRACTIONS = (0.1, 0.25, 0.5, 1.0)
COHORTS = {"internal": (249, 167, 126), "external": (193, 136, 88)}
EFFECTS = {"positive": 0.06, "negative": -0.06, "inconclusive": 0.004}
STRATUM = "diameter_mm >= 9 AND diameter_mm <= 16"
SCRATCH = {"multimodal_jepa": "multimodal_scratch", "image_jepa": "image_scratch"}


def fabricate_run(folder: Path, *, effect: str = "inconclusive", seed: int = 0) -> Path:
    """A whole run of the nodule study, without examples; returns its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    levels = _levels(EFFECTS[effect])
    _predictions(levels, rng).write_parquet(folder / "predictions.parquet")
    _results(levels, EFFECTS[effect]).write_csv(folder / "results.csv")
    (folder / "run.json").write_text(json.dumps(_record()))
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in _metrics(rng)))
    return folder


def fabricate_evaluation(folder: Path, *, seed: int = 0) -> Path:
    """A stranger's evaluation: the results and predictions of one model in one cohort, nothing else."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    label = rng.random(80) < 0.4
    score = 1 / (1 + np.exp(-(rng.normal(size=80) + 1.5 * label - 0.8)))
    subjects = [f"s{i // 2}" for i in range(80)]
    pl.DataFrame({"subject_id": subjects, "label": label.astype(int), "score": score}).write_parquet(
        folder / "predictions.parquet"
    )
    common = {"study": "predictions", "outcome": "label", "arm": "model", "mode": "none", "cohort": "all"}
    sizes = {"n": 80, "n_patients": 40, "n_positive": int(label.sum())}
    values = {"auroc": 0.85, "auprc": 0.78, "brier": 0.16}
    rows = [_row(common | sizes, metric=m, value=v, half=0.06) for m, v in values.items()]
    pl.DataFrame(rows).write_csv(folder / "results.csv")
    return folder


def _levels(effect: float) -> dict[tuple[str, str, float, str], float]:
    """AUROC of each arm, mode, fraction and cohort."""
    levels = {}
    for cohort in COHORTS:
        drop = 0.05 if cohort == "external" else 0.0
        for (arm, mode), shift in NETWORKS.items():
            for fraction in FRACTIONS:
                helped = effect if arm in SCRATCH else 0.0
                levels[arm, mode, fraction, cohort] = 0.88 + shift + 0.04 * np.log10(fraction) + helped - drop
        for arm, value in BASELINES.items():
            levels[arm, "none", 1.0, cohort] = value - drop / 2
    return levels


def _row(common: dict, *, metric: str, value: float, half: float | None, **more: object) -> dict:
    row = {
        "reference": "",
        "fraction": 1.0,
        "stratum": "all",
        "seeds": 2,
        **common,
        "metric": metric,
        "value": value,
    }
    low, high = (None, None) if half is None else (value - half, value + half)
    method = "" if half is None else "95% percentile, 2000 patient-bootstrap draws"
    return {**row, "low": low, "high": high, "interval_method": method, **more}


def _results(levels: dict[tuple[str, str, float, str], float], effect: float) -> pl.DataFrame:
    rows = []
    for (arm, mode, fraction, cohort), auroc in levels.items():
        n, n_patients, n_positive = COHORTS[cohort]
        common = {
            "study": "nodule",
            "outcome": "malignancy",
            "arm": arm,
            "mode": mode,
            "fraction": fraction,
            "cohort": cohort,
            "n": n,
            "n_patients": n_patients,
            "n_positive": n_positive,
        }
        rows.append(_row(common, metric="auroc", value=auroc, half=0.04))
        rows.append(_row(common, metric="auroc", value=auroc - 0.12, half=0.09, stratum=STRATUM, n=90))
        values = {"auprc": auroc - 0.05, "brier": 0.14, "sensitivity": 0.9, "specificity": 0.7}
        values |= {"calibration_intercept": -0.1, "calibration_slope": 0.9}
        rows += [_row(common, metric=m, value=v, half=0.05) for m, v in values.items()]
        rows.append(_row(common, metric="auroc_gain_over_diameter_mm", value=(auroc - 0.87) / 4, half=0.012))
        for reference in ("multimodal_scratch", "image_scratch", "diameter"):
            other = levels.get((reference, "finetune", fraction, cohort), levels["diameter", "none", 1.0, cohort])
            if reference != arm:
                minus = common | {"reference": reference}
                rows.append(_row(minus, metric="auroc", value=auroc - other, half=0.03))
                rows.append(_row(minus, metric="auroc_detectable_difference", value=0.043, half=None))
    order = [
        "study",
        "outcome",
        "arm",
        "reference",
        "mode",
        "fraction",
        "cohort",
        "stratum",
        "metric",
        "value",
    ]
    return pl.DataFrame(rows).select(*order, "low", "high", "interval_method", "n", "n_patients", "n_positive", "seeds")


def _predictions(levels: dict[tuple[str, str, float, str], float], rng: np.random.Generator) -> pl.DataFrame:
    """Binormal scores of about the AUROC asked for; the units of a cohort are the same for every arm."""
    frames = []
    units = {}
    for cohort in COHORTS:
        label = rng.random(60) < 0.5
        units[cohort] = (label, np.exp(rng.normal(2.2 + 0.5 * label, 0.4)))
    for (arm, mode, fraction, cohort), auroc in levels.items():
        label, diameter = units[cohort]
        for seed in (0, 1):
            apart = 2 * (auroc - 0.5) * 2
            logit = apart * (rng.normal(size=60) + apart * label - apart / 2)
            frames.append(
                pl.DataFrame(
                    {
                        "study": "nodule",
                        "outcome": "malignancy",
                        "arm": arm,
                        "mode": mode,
                        "fraction": fraction,
                        "seed": seed,
                        "cohort": cohort,
                        "site": "GE" if cohort == "internal" else "SIEMENS",
                        "subject_id": [f"{cohort[:1]}{i // 2}" for i in range(60)],
                        "unit_id": [f"{cohort[:1]}{i // 2}-n{i % 2}" for i in range(60)],
                        "label": label.astype(int),
                        "score": 1 / (1 + np.exp(-logit)),
                        "diameter_mm": diameter,
                    }
                )
            )
    return pl.concat(frames)


def _metrics(rng: np.random.Generator) -> list[dict]:
    lines = []
    for seed in (0, 1):
        for arm, start in (("multimodal_jepa", 0.5), ("image_jepa", 0.6)):
            for epoch in range(1, 21):
                loss = start * np.exp(-epoch / 8) + 0.2 + 0.01 * rng.random()
                line = {"cell": f"pretrained/{arm}/seed-{seed}", "phase": "pretrain", "step": epoch * 30}
                lines.append(line | {"epoch": epoch, "loss": loss + 0.1, "prediction": loss, "variance": 0.1})
        for (arm, mode), _ in NETWORKS.items():
            for fraction in (0.1, 1.0):
                for epoch in range(1, 11):
                    loss = 0.7 * np.exp(-epoch / 6) + 0.02 * rng.random() + 0.1 / fraction
                    cell = f"cells/{arm}/{mode}/{fraction}/seed-{seed}"
                    line = {"cell": cell, "phase": "finetune", "step": epoch * 4, "epoch": epoch}
                    lines.append(line | {"loss": loss, "tuning_auroc": 0.9 - loss / 4})
    return lines


def _record() -> dict:
    boxes = [
        {"group": "archive", "label": "In the archive", "patients": 594, "units": 1843, "note": "LIDC-IDRI"},
        {"group": "archive", "label": "With an image", "patients": 590, "units": 1830},
        {"group": "excluded", "label": "No image crop", "patients": 4, "units": 13},
        {
            "group": "pretraining",
            "label": "Pretraining pool",
            "patients": 410,
            "units": 1200,
            "note": "labels unused",
        },
        {"group": "internal", "label": "GE", "patients": 340, "units": 1010},
        {"group": "internal", "label": "With a label", "patients": 167, "units": 249},
        {"group": "external", "label": "Other makers", "patients": 180, "units": 600},
        {"group": "external", "label": "With a label", "patients": 136, "units": 193},
    ]
    pretraining = [
        {
            "arm": arm,
            "seed": seed,
            "patients": 402 + seed,
            "units": 1190 + seed,
            "modalities": ["image", "reading"] if arm == "multimodal_jepa" else ["image"],
            "epochs": 60,
            "seconds": 310.0 + seed,
            "diagnostics": {
                "paired_loss": 0.31 + 0.01 * seed,
                "shuffled_loss": 0.42,
                "loss_ratio": 0.74,
                "cross_modal_r2": {"image_to_reading": 0.21, "reading_to_image": 0.08},
                "std_median": 0.61,
                "effective_rank": 28.4 + seed,
                "mean_energy": 0.12,
            },
            "verdict": "No collapse. Pretraining carries cross-modal signal, weakly from reading to image.",
        }
        for arm in ("multimodal_jepa", "image_jepa")
        for seed in (0, 1)
    ]
    return {
        "semeia_version": "0.1.0",
        "kind": "study",
        "study": "nodule",
        "config": {
            "outcome": "malignancy",
            "internal": "GE",
            "folds": 5,
            "pretraining": {
                "model": {
                    "crop": {"voxels": [32, 32, 32], "voxel_mm": [1.0, 1.0, 1.0], "window_hu": [-1350.0, 150.0]},
                    "encoder": {"dim": 96, "depth": 4, "heads": 4},
                },
                "optimiser": {"epochs": 60, "steps": None, "batch": 64, "lr": 0.001},
            },
            "finetuning": {
                "pretrained": {"epochs": 40, "steps": 160, "batch": 32, "lr": 0.001},
                "supervised": {"modality_dropout": 0.2, "dropout": 0.1},
            },
        },
        "versions": {"python": "3.11.9", "torch": "2.13.0"},
        "archive": {"fingerprint": "9f2c61d0a7"},
        "seeds": [0, 1],
        "wall_seconds": 3725.0,
        "peak_rss_mb": 2150.0,
        "flow": {"unit": "nodule", "boxes": boxes},
        "pretraining": pretraining,
        "notes": ["Seed 1 was resumed after an interruption."],
        "limits": list(LIMITS),
        "statements": HOUSE,
        **DESCRIBED.record(),
    }
