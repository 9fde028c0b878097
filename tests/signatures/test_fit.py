"""From records to expressions: leak-free, reproducible, and honest about how the fit ended."""

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from record_archive import random_rows, record_archive
from record_frames import START
from semeia.archive import Archive
from semeia.errors import InputError
from semeia.signatures.express import express
from semeia.signatures.fit import components_to_try, fit_signatures
from semeia.signatures.ica.settings import IcaSettings
from semeia.signatures.model import SignatureModel, load_signatures
from semeia.signatures.sections import sample_sections
from semeia.signatures.settings import SignatureSettings
from semeia.signatures.streaming import section_values
from semeia.signatures.window import Window
from signatures_values import dense

PATIENTS = 24
TRAINING = list(range(1, 17))
SETTINGS = SignatureSettings(  # of noise: a seed whose components are found soon, in any order of the sums
    components=4, least_patients=5, at_least=300, draws=2, starts=1, seed=9, ica=IcaSettings(threads=1)
)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    return record_archive(tmp_path_factory.mktemp("records") / "archive", random_rows(PATIENTS, 60), patients=PATIENTS)


@pytest.fixture(scope="module")
def model(archive: Archive) -> SignatureModel:
    return fit_signatures(archive, TRAINING, settings=SETTINGS)


def state(model: SignatureModel, folder: Path) -> dict[str, bytes]:
    model.save(folder)
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_expressions_of_the_training_sections_have_mean_0_and_sd_a_half(archive: Archive, model: SignatureModel):
    sections = sample_sections(archive, TRAINING, window=model.window, seed=SETTINGS.seed, at_least=300)
    table = express(model, archive, sections).table
    assert table.columns == ["subject_id", "time", "s001", "s002", "s003", "s004"]
    values = table.select(model.names).to_numpy()
    np.testing.assert_allclose(values.mean(axis=0), 0, atol=2e-3)
    np.testing.assert_allclose(values.std(axis=0), 0.5, atol=2e-3)


def test_patients_outside_the_training_never_touch_the_fit(tmp_path: Path, archive: Archive, model: SignatureModel):
    rows = [row for row in random_rows(PATIENTS, 60) if row[0] <= 16]
    others = [(row[0], row[1], row[2], 9.0) for row in random_rows(PATIENTS, 90, seed=7) if row[0] > 16]
    changed = record_archive(tmp_path / "archive", rows + others, patients=PATIENTS)
    again = fit_signatures(changed, TRAINING, settings=SETTINGS)
    assert state(again, tmp_path / "again") == state(model, tmp_path / "first")


def test_workers_change_no_bit(tmp_path: Path, archive: Archive, model: SignatureModel):
    again = fit_signatures(archive, TRAINING, settings=replace(SETTINGS, workers=2), scratch=tmp_path / "scratch")
    assert state(again, tmp_path / "again") == state(model, tmp_path / "first")
    assert list((tmp_path / "scratch").iterdir()) == []


def test_the_order_of_arrival_changes_nothing(tmp_path: Path, model: SignatureModel):
    order = list(range(PATIENTS, 0, -1))
    turned = record_archive(tmp_path / "archive", random_rows(PATIENTS, 60)[::-1], patients=PATIENTS, order=order)
    numbers = [PATIENTS + 1 - number for number in TRAINING]
    again = fit_signatures(turned, numbers, settings=SETTINGS)
    # the sections are the same set in another order, so sums differ in their last digits.
    np.testing.assert_allclose(again.components.mixing, model.components.mixing, rtol=1e-3, atol=1e-4)
    assert again.channels.digest() == model.channels.digest()
    assert again.fitted_on == model.fitted_on


def test_the_future_changes_no_bit_of_an_expression(tmp_path: Path, archive: Archive, model: SignatureModel):
    rows = random_rows(PATIENTS, 60)
    at = START + dt.timedelta(hours=9000)
    later = [
        (subject, 9001.0 + subject, code, 3.0) for subject in range(1, PATIENTS + 1) for code in ("C/1", "L/1", "D/1")
    ]
    cut = [row for row in rows if row[1] is None or row[1] <= 9000]
    longer = record_archive(tmp_path / "longer", cut + later, patients=PATIENTS)
    sections = pl.DataFrame({"subject_id": [17, 3, 20], "time": [at] * 3}, schema_overrides={"time": pl.Datetime("us")})
    one, other = (express(model, place, sections).table for place in (archive, longer))
    assert one.equals(other)


def test_expressions_are_those_of_the_dense_rows(archive: Archive, model: SignatureModel):
    sections = sample_sections(archive, [17, 18, 19], window=model.window, seed=3, at_least=30)
    table = express(model, archive, sections).table
    [values] = section_values(archive, sections, model.channels, window=model.window, seed=model.seed)
    centred = dense(model.scaling, values) - model.components.mean
    np.testing.assert_allclose(table.select(model.names).to_numpy(), centred @ model.components.unmixing.T, atol=1e-12)


def test_the_company_of_other_patients_changes_no_bit(archive: Archive, model: SignatureModel):
    sections = sample_sections(archive, [17, 18, 19, 20], window=model.window, seed=3, at_least=40)
    whole = express(model, archive, sections).table
    alone = [express(model, archive, own).table for own in sections.partition_by("subject_id")]
    assert pl.concat(alone).equals(whole)


def test_what_was_left_out_or_limited_is_counted(tmp_path: Path):
    rows = [*random_rows(PATIENTS, 60), (1, 10.0, "L/1", 1e6), (1, None, "C/1", None), (20, 10.0, "L/1", 1e6)]
    archive = record_archive(tmp_path / "archive", rows, patients=PATIENTS)
    fitting = fit_signatures(archive, TRAINING, settings=replace(SETTINGS, draws=0, starts=0)).fitting
    numberless = [row for row in rows if row[0] in TRAINING and row[2] in ("L/1", "L/2") and row[3] is None]
    assert (fitting.valueless, fitting.undated, fitting.limited) == (len(numberless), 1, 1)


def test_a_fit_tells_how_far_it_is(archive: Archive):
    told: list[str] = []
    fit_signatures(archive, TRAINING, settings=SETTINGS, report=told.append)
    assert told[0] == "curves at 300 of 300 dates"
    assert told[1].startswith("4 components: iteration 1, ")
    assert told[-3:] == [f"stability: refit {done} of 3" for done in (1, 2, 3)]


def test_expressions_come_in_the_order_asked_for(archive: Archive, model: SignatureModel):
    sections = sample_sections(archive, [18, 20, 22], window=model.window, seed=3, at_least=12)
    whole = express(model, archive, sections).table
    turned = express(model, archive, sections.reverse(), workers=2).table
    assert turned.equals(whole.reverse())


def test_a_saved_model_expresses_the_same(tmp_path: Path, archive: Archive, model: SignatureModel):
    sections = sample_sections(archive, [18], window=model.window, seed=3, at_least=5)
    loaded = load_signatures(model.save(tmp_path / "model"))
    assert express(loaded, archive, sections).table.equals(express(model, archive, sections).table)
    assert loaded.fitting == model.fitting
    assert loaded.names == model.names


def test_a_model_of_a_version_that_counted_more_is_read(tmp_path: Path, model: SignatureModel):
    about = model.save(tmp_path / "model") / "signatures.json"
    content = json.loads(about.read_text())
    content["fitting"]["repeated_sections"] = 3
    about.write_text(json.dumps(content))
    assert load_signatures(about.parent).fitting == model.fitting


def test_what_is_known_of_a_model(model: SignatureModel):
    assert model.fitting.state == "converged"
    assert (model.fitting.patients, model.fitting.sections) == (16, 300)
    assert 0 < model.fitting.variance_kept <= 1
    assert ((model.stable >= model.stable_low) & (model.stable <= 1 + 1e-9)).all()
    codes = model.channels.table["code"].to_list()
    assert "RARE" not in codes
    assert "age" not in codes  # these people have no birth
    assert model.prevalence[codes.index("C/1")] > 0.5
    np.testing.assert_allclose(model.holds.sum(axis=1), 1)
    weights = np.abs(model.components.mixing[:, 0])
    assert weights[model.top(0, most=3)].tolist() == sorted(weights, reverse=True)[:3]


def test_the_patients_of_the_fit_are_refused_as_a_test(tmp_path: Path, archive: Archive, model: SignatureModel):
    sections = sample_sections(archive, [15, 16, 17], window=model.window, seed=3, at_least=6)
    with pytest.raises(InputError, match="2 of 3 patients"):
        express(model, archive, sections, unseen=True)
    express(model, archive, sections.filter(pl.col("subject_id") == 17), unseen=True)


def test_a_fit_that_did_not_converge_expresses_nothing_unless_accepted(archive: Archive):
    short = replace(SETTINGS, draws=0, starts=0, ica=IcaSettings(most_iterations=1, tolerance=1e-12, threads=1))
    sections = sample_sections(archive, [17], window=Window(), seed=3, at_least=2)
    model = fit_signatures(archive, TRAINING, settings=short)
    assert model.fitting.state == "unconverged"
    assert np.isnan(model.stable).all()
    assert not model.unstable.any()
    with pytest.raises(InputError, match="did not converge in 1 iterations"):
        express(model, archive, sections)
    accepted = fit_signatures(archive, TRAINING, settings=replace(short, accept_unconverged=True))
    assert accepted.fitting.state == "accepted"
    assert express(accepted, archive, sections).table.height == 2


def test_components_follow_the_number_of_patients():
    assert [components_to_try(n, None)[0] for n in (10, 400, 10**6)] == [8, 50, 2000]
    assert components_to_try(1154, None) == [144, 72, 36, 18, 9]
    assert components_to_try(10, 3) == [3]


def test_fewer_components_are_fitted_until_they_converge(archive: Archive, monkeypatch: pytest.MonkeyPatch):
    """Those that have one iteration converge in no number; those with enough keep the first that does."""
    monkeypatch.setattr("semeia.signatures.fit.PATIENTS_A_COMPONENT", 1)
    monkeypatch.setattr("semeia.signatures.fit.LEAST_COMPONENTS", 2)
    open_number = replace(SETTINGS, components=None, draws=0, starts=0)
    hasty = replace(open_number, ica=IcaSettings(most_iterations=1, tolerance=1e-12, threads=1))
    assert len(fit_signatures(archive, TRAINING, settings=hasty).components.unmixing) == 2
    found = fit_signatures(archive, TRAINING, settings=open_number)
    assert found.fitting.state == "converged"
    assert len(found.components.unmixing) > 2


@pytest.mark.parametrize(
    "wrong",
    [{"workers": 0}, {"least_patients": 0}, {"draws": -1}, {"starts": -1}, {"at_least": 0}, {"per_patient": -1.0}],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict):
    with pytest.raises(InputError, match=f"{next(iter(wrong))}.*or more"):
        SignatureSettings(**wrong)


@pytest.mark.parametrize("subjects", [[], [1]])
def test_too_few_patients_are_refused(archive: Archive, subjects: list[int]):
    with pytest.raises(InputError, match="at least two"):
        fit_signatures(archive, subjects, settings=SETTINGS)


def test_no_dates_and_damaged_models_are_refused(tmp_path: Path, archive: Archive, model: SignatureModel):
    nobody = sample_sections(archive, [17], window=model.window, seed=3, at_least=2).clear()
    with pytest.raises(InputError, match="no dates"):
        express(model, archive, nobody)
    with pytest.raises(InputError, match="holds no signatures"):
        load_signatures(tmp_path)
    folder = model.save(tmp_path / "model")
    (folder / "signatures.safetensors").write_bytes(b"short")
    with pytest.raises(InputError, match="damaged"):
        load_signatures(folder)
