"""A study that nobody has thought of: declared here on arrays in memory, and run end to end by the one runner."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression

from archive_folder import small_archive
from semeia.errors import InputError
from semeia.evaluation import EvaluationSettings, check_predictions
from semeia.evaluation.description import ArmDescription, Description
from semeia.evaluation.tables.columns import TABLES
from semeia.learning.cells import Cell
from semeia.studies.run.grid import list_cells
from semeia.studies.run.protocol import StudySettings, fold_testing
from semeia.studies.run.runner import run_study
from semeia.studies.run.study import Arm, Fold, Inputs, Material, Study, Work

PATIENTS = 80
RIDGE, MEAN = ArmDescription("A ridge"), ArmDescription("The mean of what was counted", "simple")


@dataclass(frozen=True)
class Settings(StudySettings):
    """What every study has, and a dial of its own."""

    seeds: tuple[int, ...] = (0, 1)
    fractions: tuple[float, ...] = (0.5, 1.0)
    ridges: tuple[str, ...] = ("weak", "strong")
    draws: int = 100
    workers: int = 1


class Killed(BaseException):
    """What nothing catches."""


def open_toy(inputs: Inputs, settings: Settings, cache: Path) -> Material:
    """Two units a patient, three numbers each; the first decides of one outcome, the second of the other."""
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(2 * PATIENTS, 3))
    subject = np.repeat(np.arange(PATIENTS), 2)
    units = pl.DataFrame(
        {
            "unit_id": [f"unit-{row}" for row in range(2 * PATIENTS)],
            "subject_id": subject,
            "pseudonym": [f"patient-{number}" for number in subject],
            "site": "here",
        }
    )
    patients = pl.DataFrame({"subject_id": np.arange(PATIENTS), "stratum": "all"})
    nobody = np.zeros(2 * PATIENTS, bool)
    return Material(
        units=units,
        cohort=np.full(2 * PATIENTS, "internal"),
        labels={name: (numbers[:, column] > 0).astype(float) for column, name in enumerate(("first", "second"))},
        testing=fold_testing(subject, patients, folds=2, outside=nobody),
        extra=numbers,
    )


@dataclass(frozen=True)
class Ridge(Arm):
    """Logistic regression, as strongly held back as its cell says."""

    about: ArmDescription = RIDGE

    def score(self, cell: Cell, fold: Fold, folder: Path, work: Work) -> np.ndarray:
        numbers = work.material.extra
        strength = {"weak": 1.0, "strong": 1e-4}[cell.axis("ridge")]
        model = LogisticRegression(C=strength).fit(numbers[fold.labelled], fold.labels)
        return model.predict_proba(numbers[fold.test])[:, 1]


@dataclass(frozen=True)
class Mean(Arm):
    """The share of positives among what was learnt without labels and stored."""

    about: ArmDescription = MEAN
    outcomes: tuple[str, ...] = ("first",)
    pretraining: str = "count"

    def score(self, cell: Cell, fold: Fold, folder: Path, work: Work) -> np.ndarray:
        counted = json.loads((work.run / f"pretrained/count/seed-{cell.seed}/count.json").read_text())
        assert counted == sorted(fold.pretraining.tolist())
        return np.full(len(fold.test), fold.labels.mean())


@dataclass(frozen=True)
class Count:
    """What is learnt without labels: who may be seen."""

    def learn(self, cell: Cell, rows: np.ndarray, folder: Path, work: Work) -> None:
        (folder / "count.json").write_text(json.dumps(sorted(rows.tolist())))


TOY = Study(
    name="toy",
    settings=Settings,
    unit="thing",
    open=open_toy,
    arms=lambda settings, inputs: {"ridge": Ridge(), "mean": Mean()},
    pretraining=lambda settings, inputs: {"count": Count()},
    axes=lambda settings: {"ridge": settings.ridges},
    words=lambda finished: Description(title="Toys", arms={k: v.about for k, v in finished.arms.items()}).record(),
    audit=lambda finished: pl.DataFrame(schema=TABLES["leakage"]),
    judged=lambda finished: (EvaluationSettings(draws=100, references=("ridge@ridge=weak", "mean@ridge=weak/none")),),
)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("toy") / "archive"
    small_archive(path)
    return path


@pytest.fixture(scope="module")
def run(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("toys") / "run"
    assert run_study(TOY, Inputs(archive), out=out, settings=Settings()) == out / "report.html"
    return out


def test_every_cell_is_run_and_gathered(run: Path):
    names = {f"cells/ridge/none/{f}/{o}ridge={ridge}/seed-{s}" for f in ("0.5", "1") for o in ("", "outcome=second/")
             for ridge in ("weak", "strong") for s in (0, 1)}  # fmt: skip
    names |= {f"cells/mean/none/{f}/ridge={ridge}/seed-{s}" for f in ("0.5", "1") for ridge in ("weak", "strong")
              for s in (0, 1)}  # fmt: skip
    cells = list_cells(run)
    assert set(cells["cell"]) == names | {"pretrained/count/seed-0", "pretrained/count/seed-1"}
    assert set(cells["state"]) == {"finished"}
    predictions = pl.read_parquet(run / "predictions.parquet")
    check_predictions(predictions)
    assert set(predictions["outcome"]) == {"first", "second"}
    assert set(predictions["arm"]) == {
        f"{arm}@ridge={ridge}" for arm in ("ridge", "mean") for ridge in ("weak", "strong")
    }
    # Each unit once in every group, whichever seed tested it.
    groups = predictions.group_by("outcome", "arm", "fraction").agg(pl.col("unit_id").n_unique(), rows=pl.len())
    assert set(groups["unit_id"]) == set(groups["rows"]) == {2 * PATIENTS}


@pytest.mark.parametrize(("arm", "starts"), [("ridge", []), ("mean", ["count"])])
def test_only_the_arms_that_were_named_are_run_and_what_they_start_from(
    archive: Path, tmp_path: Path, arm: str, starts
):
    run_study(TOY, Inputs(archive), out=tmp_path / "run", settings=Settings(arms=(arm,)))
    assert {name.split("@")[0] for name in pl.read_parquet(tmp_path / "run" / "predictions.parquet")["arm"]} == {arm}
    assert [folder.name for folder in (tmp_path / "run").glob("pretrained/*")] == starts
    references = set(pl.read_csv(tmp_path / "run" / "results.csv")["reference"].drop_nulls())
    assert references <= {"", f"{arm}@ridge=weak", f"{arm}@ridge=weak/none"}
    assert len(references) > 1
    with pytest.raises(InputError, match="no arm 'lasso'; there are ridge, mean"):
        run_study(TOY, Inputs(archive), out=tmp_path / "other", settings=Settings(arms=("lasso",)))


def test_it_is_judged_and_shown(run: Path):
    results = pl.read_csv(run / "results.csv").filter(metric="auroc", fraction=1.0, reference="")
    values = {(row["outcome"], row["arm"]): row["value"] for row in results.iter_rows(named=True)}
    assert values["first", "ridge@ridge=weak"] > 0.95
    assert values["second", "ridge@ridge=weak"] > 0.95
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "Toys" in page
    assert "<b>160</b> things" in page
    assert "A ridge, ridge strong" in page
    about = json.loads((run / "run.json").read_text())
    assert (about["study"], about["state"], about["seeds"]) == ("toy", "finished", [0, 1])


def test_after_a_kill_in_one_cell_it_goes_on_to_the_same_bits(
    run: Path, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    again, last = tmp_path / "run", Cell("ridge", "none", 1.0, 1, (("outcome", "second"), ("ridge", "strong")))
    ran: list[Cell] = []
    score = Ridge.score

    def killed(self: Ridge, cell: Cell, fold: Fold, folder: Path, work: Work) -> np.ndarray:
        if cell == last:
            (folder / "scores.parquet").write_bytes(b"half")
            raise Killed
        return score(self, cell, fold, folder, work)

    def counted(self: Ridge, cell: Cell, fold: Fold, folder: Path, work: Work) -> np.ndarray:
        ran.append(cell)
        return score(self, cell, fold, folder, work)

    monkeypatch.setattr(Ridge, "score", killed)
    with pytest.raises(Killed):
        run_study(TOY, Inputs(archive), out=again, settings=Settings())
    assert list_cells(again).filter(state="begun")["cell"].to_list() == [last.name]
    monkeypatch.setattr(Ridge, "score", counted)
    run_study(TOY, Inputs(archive), out=again, settings=Settings())
    assert ran == [last]
    for name in ("predictions.parquet", "results.csv"):
        assert (again / name).read_bytes() == (run / name).read_bytes()
