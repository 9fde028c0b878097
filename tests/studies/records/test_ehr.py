"""The protocol of the study of records, on a small archive from events to report; nobody leaks into anything."""

import datetime as dt
import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from semeia.archive import open_archive
from semeia.errors import InputError
from semeia.evaluation import check_predictions, read_predictions
from semeia.learning.cells import Cell
from semeia.learning.finetune import FinetuneSettings
from semeia.learning.linear import FILE, load_linear
from semeia.learning.pretrain import PretrainSettings
from semeia.learning.schedule import OptimiserSettings
from semeia.signatures.express import express
from semeia.signatures.model import ARRAYS, load_signatures
from semeia.studies import resume
from semeia.studies.export import export
from semeia.studies.predict import predict
from semeia.studies.records import blocks as records
from semeia.studies.records import ehr, ehr_data
from semeia.studies.records.blocks import RecordArm, blocks_of
from semeia.studies.records.ehr import EHR, EhrSettings, arms, ehr_study, open_stays
from semeia.studies.records.ehr_data import AMONG_EVENTS, stays_of
from semeia.studies.records.patient_data import ACROSS
from semeia.studies.resume import resume_study
from semeia.studies.run import record, runner
from semeia.studies.run.grid import delete_cells, list_cells, run_cells
from semeia.studies.run.runner import plan, work_on
from semeia.studies.run.study import Inputs, Material, fold_of
from stay_archive import OUTCOME, SIGNATURES, stay_archive

FEW = OptimiserSettings(steps=4, batch=16)
SETTINGS = EhrSettings(
    seeds=(0, 1), folds=2, fractions=(1.0,), signatures=SIGNATURES, draws=100, workers=1, hospitals=3,
    hours=(6.0, 12.0), pretraining=PretrainSettings(objective=ACROSS, optimiser=FEW),
    events_pretraining=PretrainSettings(objective=AMONG_EVENTS, optimiser=FEW),
    finetuning=FinetuneSettings(scratch=FEW, pretrained=FEW),
)  # fmt: skip
ARMS = arms(SETTINGS, Inputs(Path()))
PLAIN = {arm: row for arm, row in ARMS.items() if isinstance(row, RecordArm)}
FIRST = [Cell("signatures", "pretrain", 1.0, seed) for seed in SETTINGS.seeds]
ACROSS_TIME = [Cell("across_jepa", "pretrain", 1.0, seed) for seed in SETTINGS.seeds]
OF_EVENTS = [Cell("events_jepa", "pretrain", 1.0, seed) for seed in SETTINGS.seeds]
SCORED = [(arm, mode) for arm, row in ARMS.items() for mode in row.modes]


@dataclass(frozen=True)
class Study:
    """A finished study."""

    run: Path
    report: Path
    archive: Path
    stays: pl.DataFrame
    material: Material


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return stay_archive(tmp_path_factory.mktemp("stays") / "archive").path


@pytest.fixture(scope="module")
def finished(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Study:
    run = tmp_path_factory.mktemp("study") / "run"
    report = ehr_study(archive, out=run, settings=SETTINGS)
    return Study(run, report, archive, stays_of(open_archive(archive), OUTCOME), opened(archive))


def opened(archive: Path) -> Material:
    return open_stays(Inputs(archive), SETTINGS, archive)


def subjects(stays: pl.DataFrame, rows: np.ndarray) -> set[int]:
    return set(stays["subject_id"].gather(rows).to_list())


def scores(run: Path, cell: Cell) -> pl.DataFrame:
    return pl.read_parquet(run / cell.name / "scores.parquet")


def one_seed(archive: Path, run: Path, scored: list[tuple[str, str]]) -> None:
    """The cells of seed 0 with all labels, without evaluation."""
    first = [FIRST[0]] + [ACROSS_TIME[0], OF_EVENTS[0]] * any(mode != "none" for _, mode in scored)
    for cell in (*first, *(Cell(arm, mode, 1.0, 0) for arm, mode in scored)):
        folder = run / cell.name
        folder.mkdir(parents=True)
        work_on(cell, folder, study=EHR, inputs=Inputs(archive), run=run, settings=SETTINGS)


@pytest.mark.parametrize("fraction", [0.5, 1.0])
@pytest.mark.parametrize("seed", [0, 1])
def test_nobody_is_on_two_sides(archive: Path, seed: int, fraction: float):
    material = opened(archive)
    stays, cohort = material.units, material.cohort
    fold = fold_of(material, OUTCOME, seed=seed, fraction=fraction)
    test, seen = subjects(stays, fold.test), subjects(stays, fold.pretraining)
    assert not test & seen
    assert subjects(stays, fold.labelled) <= seen
    assert set(cohort[fold.pretraining]) == {"internal"}
    assert set(cohort[fold.test]) == {"internal", "external"}
    sites = stays["site"].to_numpy()
    assert not set(sites[cohort == "external"]) & set(sites[cohort == "internal"])
    # Records without a label are learned from, and neither trained nor tested on.
    assert stays["label"].gather(fold.pretraining).null_count() > 0
    assert stays["label"].gather(fold.labelled).null_count() == stays["label"].gather(fold.test).null_count() == 0
    assert set(fold.labels) == {0.0, 1.0}


def test_every_internal_stay_is_tested_once_and_fractions_are_nested(archive: Path):
    material = opened(archive)
    stays, cohort = material.units, material.cohort
    known = stays["label"].is_not_null().to_numpy()
    folds = [fold_of(material, OUTCOME, seed=seed, fraction=1.0) for seed in SETTINGS.seeds]
    counts = np.bincount(np.concatenate([fold.test for fold in folds]), minlength=len(stays))
    assert set(counts[(cohort == "internal") & known]) == {1}
    assert set(counts[(cohort == "external") & known]) == {2}
    half = fold_of(material, OUTCOME, seed=0, fraction=0.5)
    assert set(half.labelled) < set(folds[0].labelled)
    assert np.array_equal(half.test, folds[0].test)


def test_labels_outside_reach_nothing_that_is_fitted(archive: Path, monkeypatch: pytest.MonkeyPatch):
    before = opened(archive)
    outside = before.cohort == "external"
    flipped = before.units.with_columns(label=pl.when(pl.Series(outside)).then(1 - pl.col("label")).otherwise("label"))
    monkeypatch.setattr(ehr_data, "stays_of", lambda *given: flipped)
    after = opened(archive)
    assert not np.array_equal(after.labels[OUTCOME], before.labels[OUTCOME], equal_nan=True)
    one, other = (fold_of(material, OUTCOME, seed=0, fraction=0.5) for material in (before, after))
    assert np.array_equal(one.labelled, other.labelled)
    assert np.array_equal(one.pretraining, other.pretraining)


def test_what_the_study_leaves_behind(finished: Study):
    run = finished.run
    assert finished.report == run / "report.html"
    predictions = read_predictions(run / "predictions.parquet")
    check_predictions(predictions)
    assert {"age", "sex", "unit_type", "record_density"} <= set(predictions.columns)
    about = json.loads((run / "run.json").read_text())
    assert (about["study"], about["state"], about["seeds"]) == ("ehr", "finished", [0, 1])
    assert [fit["signatures"] for fit in about["signatures"]] == [4, 4]
    assert {row["cohort"] for row in about["unmapped"]} == {"internal", "external"}
    results = pl.read_csv(run / "results.csv")
    assert {"auroc_detectable_difference", "auroc_gain_over_record_density"} <= set(results["metric"])
    assert (run / FIRST[0].name / "atlas.html").exists()
    assert not (run / FIRST[1].name / "atlas.html").exists()
    page = finished.report.read_text()
    for words in ("Signatures, logistic regression", "Unmapped events by hospital", "one database", "Number of events"):
        assert words in page
    assert "person-" not in page


def test_every_arm_scored_the_same_stays(finished: Study):
    predictions = pl.read_parquet(finished.run / "predictions.parquet")
    groups = predictions.partition_by("arm", "mode", "fraction", "seed", as_dict=True)
    assert set(groups) == {(arm, mode, 1.0, seed) for arm, mode in SCORED for seed in (0, 1)}
    cohort = finished.material.cohort
    for (_, _, _, seed), group in groups.items():
        rows = fold_of(finished.material, OUTCOME, seed=int(str(seed)), fraction=1.0).test
        assert group["unit_id"].to_list() == finished.stays["unit_id"].gather(rows).to_list()
        assert group["label"].to_list() == finished.stays["label"].gather(rows).to_list()
        assert group["cohort"].to_list() == cohort[rows].tolist()
        assert group["score"].is_between(0, 1).all()


def test_no_stored_model_knows_a_patient_it_is_tested_on(finished: Study):
    opened = open_archive(finished.archive)
    for cell in FIRST:
        test = subjects(finished.stays, fold_of(finished.material, OUTCOME, seed=cell.seed, fraction=1.0).test)
        model = load_signatures(finished.run / cell.name)
        assert model.fitted_on.seen(opened, finished.stays["subject_id"].to_list())
        assert not model.fitted_on.seen(opened, test)
    audit = pl.read_csv(finished.run / "tables" / "leakage.csv")
    for check in ("Tested patients that were pretrained on", "Tested patients that were trained on"):
        assert audit.filter(check=check).select("state", "count").row(0) == ("clear", 0)
    # Half of the inside in each seed, from all of its hospitals.
    assert audit.filter(check="Hospitals on both sides").select("state", "count").row(0) == ("clear", 0)


def test_records_of_the_tested_change_nothing_that_is_fitted(finished: Study, tmp_path: Path):
    fold = fold_of(finished.material, OUTCOME, seed=0, fraction=1.0)
    tested = [row + 1 for row in fold.test.tolist()]
    changed = stay_archive(tmp_path / "archive", other=tested[::2]).path
    one_seed(changed, tmp_path / "run", [("signatures_logistic", "none"), ("values_logistic", "none")])

    old, new = (folder / FIRST[0].name for folder in (finished.run, tmp_path / "run"))
    assert (old / ARRAYS).read_bytes() == (new / ARRAYS).read_bytes()
    for arm in ("signatures_logistic", "values_logistic"):
        cell = Cell(arm, "none", 1.0, 0)
        one, other = (load_linear(run / cell.name / FILE) for run in (finished.run, tmp_path / "run"))
        assert one.columns == other.columns
        assert np.array_equal(one.weight, other.weight)
        kept = ~np.isin(fold.test, np.array(tested[::2]) - 1)
        before, after = scores(finished.run, cell), scores(tmp_path / "run", cell)
        assert before.filter(kept).equals(after.filter(kept))
        assert not before.equals(after)


def test_later_events_of_the_tested_change_no_score(finished: Study, tmp_path: Path):
    """To the bit; the last of what is seen is at the time of the prediction itself."""
    fold = fold_of(finished.material, OUTCOME, seed=0, fraction=1.0)
    changed = stay_archive(tmp_path / "archive", later=[row + 1 for row in fold.test.tolist()]).path
    one_seed(changed, tmp_path / "run", SCORED)
    for arm, mode in SCORED:
        cell = Cell(arm, mode, 1.0, 0)
        assert scores(finished.run, cell).equals(scores(tmp_path / "run", cell)), arm


STORED = {arm for arm in ARMS if arm not in PLAIN or PLAIN[arm].fits == "logistic"}


def test_the_stored_arms_of_the_run_score_another_archive_as_the_study_did(finished: Study, tmp_path: Path):
    """Patients that no model saw have the study's own scores; the exported model gives the same."""
    with pytest.raises(InputError, match=r"patients of this archive were seen in training.*--skip-seen"):
        predict(finished.run, archive=finished.archive)
    table = predict(finished.run, archive=finished.archive, skip_seen=True, seeds="each")
    check_predictions(table)
    assert set(table["arm"]) == STORED
    mine = pl.read_parquet(finished.run / "predictions.parquet")
    keys = ["arm", "mode", "fraction", "seed", "unit_id"]
    both = table.join(mine, on=keys, suffix="_study")
    assert both.height == table.height > 0
    np.testing.assert_allclose(both["score"], both["score_study"], atol=1e-6)
    assert both["label"].equals(both["label_study"].rename("label"))

    arm: dict = {"arm": "signatures_logistic"}
    mean = predict(finished.run, archive=finished.archive, skip_seen=True, **arm)
    each = table.filter(arm="signatures_logistic").group_by("unit_id", maintain_order=True).agg(pl.col("score").mean())
    np.testing.assert_allclose(mean["score"], each["score"], atol=1e-12)

    out = export(finished.run, out=tmp_path / "model", **arm)
    assert predict(out, archive=finished.archive, skip_seen=True).equals(mean)
    assert {path.name for path in out.rglob("*.parquet")} == {"channels.parquet"}
    assert "reads records: people, signatures." in (out / "README.md").read_text()

    out = export(finished.run, out=tmp_path / "network", arm="across_jepa", mode="finetune")
    taken = predict(out, archive=finished.archive, skip_seen=True, seeds="each")
    assert taken["score"].to_list() == table.filter(arm="across_jepa", mode="finetune")["score"].to_list()


def test_boosted_trees_are_not_stored_and_records_have_no_modalities(finished: Study):
    with pytest.raises(InputError, match="boosted trees are not stored"):
        predict(finished.run, archive=finished.archive, arm="counts_boosting", skip_seen=True)
    with pytest.raises(InputError, match="this run's models read records"):
        predict(finished.run, archive=finished.archive, modalities=("image",))


def test_signatures_and_counts_read_the_same_codes_with_age_and_sex(finished: Study):
    folder = finished.run / FIRST[0].name
    channels = load_signatures(folder).channels.table["code"].to_list()
    counted, counts = blocks_of(folder, ("counts",))
    people, _ = blocks_of(folder, ("people",))
    assert {name.removeprefix("counts: ") for name in counted} | {"age", "sex=F", "sex=M"} == set(channels)
    assert set(people) == {"people: age", "people: sex=F", "people: sex=M"}
    assert counts.shape == (len(finished.stays), len(counted))
    for arm in PLAIN.values():
        assert ("people" in arm.reads) or arm.reads == ("density",)


def test_deleted_and_stopped_cells_are_made_again_to_the_bit(finished: Study, tmp_path: Path, monkeypatch):
    run = tmp_path / "run"
    shutil.copytree(finished.run, run)
    assert delete_cells(run, "pretrained/signatures/seed-1") == 1
    assert delete_cells(run, "cells/*_logistic/*") == 6
    # What the end of a study says is not looked at here, and takes most of the time.
    quick = replace(EHR, audit=lambda finished: pl.DataFrame(), tables=lambda finished: {})
    monkeypatch.setitem(resume.STUDIES, "ehr", quick)
    monkeypatch.setattr(runner, "write_results", lambda *given, **named: [])
    monkeypatch.setattr(record, "write_report", lambda run: run / "report.html")
    real = records.fit_logistic_regression
    calls = []

    def stopped(*given, **named):
        calls.append(named["seed"])
        if len(calls) == 3:
            raise RuntimeError("the power failed")
        return real(*given, **named)

    monkeypatch.setattr(records, "fit_logistic_regression", stopped)
    with pytest.raises(RuntimeError, match="power"):
        resume_study(run, finished.archive)
    states = dict(list_cells(run).select("cell", "state").iter_rows())
    assert states["pretrained/signatures/seed-1"] == "finished"
    assert sum(state == "finished" for cell, state in states.items() if "_logistic" in cell) == 2

    resume_study(run, finished.archive)
    assert pl.read_parquet(run / "predictions.parquet").equals(pl.read_parquet(finished.run / "predictions.parquet"))
    assert calls == [0, 0, 0, 0, 1, 1, 1]


def test_other_settings_and_another_archive_are_refused(finished: Study, tmp_path: Path):
    with pytest.raises(InputError, match=r"signatures\.components: 4 then, 5 now"):
        ehr_study(
            finished.archive,
            out=finished.run,
            settings=replace(SETTINGS, signatures=replace(SIGNATURES, components=5)),
        )
    with pytest.raises(InputError, match="archive: "):
        ehr_study(stay_archive(tmp_path / "other", patients=40).path, out=finished.run, settings=SETTINGS)


def test_processes_change_nothing(finished: Study, tmp_path: Path):
    from functools import partial

    run = tmp_path / "run"
    work = partial(work_on, study=EHR, inputs=Inputs(finished.archive), run=run, settings=SETTINGS)
    cells = [Cell(arm, "none", 1.0, 0) for arm in ("signatures_logistic", "values_boosting")]
    run_cells(FIRST[:1], work, run=run, workers=1, label="signatures")
    run_cells(cells, work, run=run, workers=2, label="models")
    for cell in cells:
        assert scores(run, cell).equals(scores(finished.run, cell))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"seeds": (5,)}, "folds 0 to 4"),
        ({"fractions": (2.0,)}, "fractions"),
        ({"inside": 1.0}, "inside is 1.0"),
        ({"hours": (0.0,)}, "hours"),
    ],
)
def test_settings_that_cannot_work_are_refused_before_anything_runs(wrong: dict[str, object], words: str):
    with pytest.raises(InputError, match=words):
        EhrSettings(**wrong)  # pyright: ignore[reportArgumentType]


def test_the_plan_is_every_arm_seed_and_fraction_once(finished: Study):
    first, then = plan(EHR, Inputs(finished.archive), SETTINGS, finished.material)
    assert first == [cell for seed in zip(FIRST, ACROSS_TIME, OF_EVENTS, strict=True) for cell in seed]
    assert len(set(then)) == len(then) == len(SCORED) * len(SETTINGS.seeds)


def test_the_references_are_arms():
    assert {name.split("/")[0] for name in ehr.REFERENCES} < set(ARMS)


def test_networks_read_the_record_at_several_dates_and_nothing_after_the_prediction(finished: Study):
    opened = open_stays(Inputs(finished.archive), SETTINGS, finished.run / "cache")
    data = opened.of_seed(opened, 0).data(ehr_data.read_by(SETTINGS))
    assert data.units["unit_id"].equals(finished.stays["unit_id"])
    labelled = finished.stays["label"].is_not_null().to_numpy()
    hours = data.observations["signatures"].when * 365.25 * 24 / 12
    there = data.observations["signatures"].slot >= 0
    # 6 and 12 hours before the prediction a day after admission, and at both of these; at the admission alone if none.
    assert {tuple(row[seen].round(3)) for row, seen in zip(hours[labelled], there[labelled], strict=True)} == {
        (0, 6, 12, 24)
    }
    assert {tuple(row[seen]) for row, seen in zip(hours[~labelled], there[~labelled], strict=True)} == {(0,)}
    model = load_signatures(finished.run / FIRST[0].name)
    row = int(np.flatnonzero(labelled)[0])
    asked = pl.DataFrame([data.units.row(row, named=True)]).select("subject_id", pl.col("time") - dt.timedelta(hours=6))
    by_hand = express(model, open_archive(finished.archive), asked).table.select(model.names).to_numpy()
    np.testing.assert_allclose(data[row].values["signatures"][1], by_hand, rtol=1e-5, atol=1e-6)
