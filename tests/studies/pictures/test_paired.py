"""The study of paired pictures on miniature archives: what each start is pretrained on, who is tested, and a run from
folders to a report that scores a folder it has never seen.
"""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from lidc_folder import write_rows
from semeia.archive import open_archive
from semeia.data.crops import CropSettings
from semeia.encoders.patient import EncoderSettings
from semeia.encoders.settings import ModelSettings
from semeia.errors import InputError
from semeia.evaluation import EvaluationSettings
from semeia.learning.finetune import FinetuneSettings
from semeia.learning.model import FILE, load_model
from semeia.learning.pretrain import PretrainSettings
from semeia.learning.schedule import OptimiserSettings
from semeia.learning.scoring import embed
from semeia.objectives.heads.fused import FusedHead
from semeia.readers import ingest_folders, ingest_images
from semeia.report.evaluation_folder import evaluate_table
from semeia.report.sections.modalities import read_modalities
from semeia.studies.pictures.paired import arms, open_pairs, paired_study, pretraining
from semeia.studies.pictures.paired_settings import PairedSettings, PairedTraining
from semeia.studies.pictures.starts import STARTS, pair_of
from semeia.studies.predict import predict
from semeia.studies.resume import STUDIES
from semeia.studies.run.study import Inputs, fold_of
from small_training import LOOP

CLASSES = ("cecum", "polyp", "pylorus")
MODEL = ModelSettings(
    image="patches",
    crop=CropSettings(voxels=(1, 16, 16), patch=(1, 8, 8)),
    encoder=EncoderSettings(dim=16, depth=1, heads=2, mixing="apart"),
)
STEPS = OptimiserSettings(steps=2, batch=8)
TRAINING = PairedTraining(
    pretraining=PretrainSettings(model=MODEL, optimiser=STEPS, loop=LOOP, held_out=0.3, redrawn=2),
    finetuning=FinetuneSettings(scratch=STEPS, pretrained=STEPS, loop=LOOP),
)
SETTINGS = PairedSettings(
    starts=("random", "fixmatch", "mics", "mics_augmented", "both_mics", "fused_mics", "fused_no_shift"),
    seeds=(0,), fractions=(1.0,), training=TRAINING, draws=100, workers=1,
)  # fmt: skip


def kvasir(folder: Path, *, each: int = 12, first: int = 0) -> Path:
    """A tree in Kvasir's layout: a class a colour, no two frames alike."""
    for place, name in enumerate(CLASSES):
        (folder / name).mkdir(parents=True)
        for number in range(each):
            rng = np.random.default_rng([place, first + number])
            rough = rng.integers(0, 120, (5, 5, 3), dtype=np.uint8)
            rough[..., place] += 100
            picture = Image.fromarray(rough).resize((24, 24), Image.Resampling.BICUBIC)
            picture.save(folder / name / f"{first + number}.jpg", quality=95)
    return folder


def slices(folder: Path, *, patients: int = 12) -> Path:
    """Gray slices of two registered sequences, four a patient, half of them with the sign; two centres."""
    folder.mkdir()
    rows = []
    for patient in range(patients):
        for number in range(4):
            rng = np.random.default_rng([patient, number])
            first, second, third = rng.integers(0, 200, (3, 20, 20), dtype=np.uint8)
            if number % 2:
                first[5:12, 5:12] = 255
            name = f"{patient}-{number}.png"
            Image.fromarray(np.stack([first, second, third], 2)).save(folder / name)
            site = "far" if patient % 4 == 3 else "home"
            rows.append({"file": name, "who": patient, "centre": site, "sign": number % 2, "place": number / 4})
    table = write_rows(folder / "t.csv", rows)
    ingest_images(
        folder, into=folder / "archive", table=table, image="file", subject="who", site="centre", label="sign",
        outcome="sign", channels=("flair", "post", "pre"), covariates=("place",),
    )  # fmt: skip
    return folder / "archive"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gastro")
    ingest_folders(kvasir(folder / "files"), into=folder / "archive")
    paired_study(folder / "archive", out=folder / "run", settings=SETTINGS)
    return folder / "run"


def test_from_a_folder_in_kvasirs_layout_to_one_that_was_never_seen(run: Path, tmp_path: Path):
    ingest_folders(kvasir(tmp_path / "files", each=5, first=1000), into=tmp_path / "archive")
    table = predict(run, archive=tmp_path / "archive", arm="mics", mode="finetune", fraction=1.0)
    assert table.height == 15
    assert set(table["label"]) == {0, 1, 2}
    table.write_csv(tmp_path / "p.csv")
    evaluate_table(tmp_path / "p.csv", out=tmp_path / "results", settings=EvaluationSettings(draws=100))
    metrics = set(pl.read_csv(tmp_path / "results" / "results.csv")["metric"])
    assert {"accuracy", "balanced_accuracy", "macro_f1", "macro_auroc"} <= metrics
    vectors = embed(run, archive=tmp_path / "archive", arm="mics", modalities=("picture",))
    assert vectors.height == 15
    assert (run / "report.html").exists()


def test_what_was_said_of_the_arms_and_compared(run: Path):
    record = json.loads((run / "run.json").read_text())
    assert record["study"] == "paired"
    assert {contrast["reference"] for contrast in record["contrasts"]} == {"mics_augmented"}
    results = pl.read_csv(run / "results.csv").filter(pl.col("metric") == "balanced_accuracy")
    assert {"random/frozen", "random/finetune", "mics_augmented/finetune", "components/none"} <= set(
        results["reference"].drop_nulls()
    )
    assert results.filter(arm="fixmatch")["mode"].unique().to_list() == ["finetune"]


def test_an_arm_reads_its_own_modalities_of_an_encoder_that_was_taught_by_two(run: Path):
    models = {path.parent.as_posix(): load_model(path) for path in run.rglob(FILE)}
    kinds = {name: model.encoder.kinds for name, model in models.items()}
    assert any("/mics/" in name and "pretrain" in name and len(read) == 2 for name, read in kinds.items())
    assert all(read == ("picture",) for name, read in kinds.items() if "/mics/" in name and "finetune" in name)
    assert all(len(read) == 2 for name, read in kinds.items() if "/both_mics/" in name or "/fused_" in name)
    heads = {name: model.head for name, model in models.items() if "/fused_" in name}
    assert len(heads) == 2
    for name, head in heads.items():
        assert isinstance(head, FusedHead)
        assert (head.dictionary is not None) == ("/fused_mics/" in name)


def test_the_report_shows_what_was_learnt_of_two_modalities_and_names_nobody(run: Path):
    found = read_modalities(run)
    assert found is not None
    assert found.redrawn is not None
    assert found.fused is not None
    assert found.redrawn.arm == "mics"
    assert [one.words[0] for one in found.redrawn.strips] == ["picture", "picture narrow band"] * 2
    fused = found.fused
    assert (fused.arm, fused.modalities) == ("fused_mics", ("picture", "picture_narrow_band"))
    predictions = pl.read_parquet(run / "predictions.parquet").filter(arm="fused_mics")
    for one in fused.reliance:
        own = predictions.filter(label=one.label)
        assert one.units == own.height
        assert one.chance == pytest.approx(own[f"score_{one.label}"].mean(), abs=1e-4)
        assert one.without[0] != one.chance
        assert one.looked[0] is None  # the first modality asks
        assert one.looked[1] is not None
        assert 0.25 <= one.looked[1] <= 1
    assert [one.modality for one in fused.placed] == ["", *fused.modalities]
    assert {one.labels for one in fused.placed} == {fused.placed[0].labels}
    assert fused.placed[0].points != fused.placed[1].points
    shown = {label for one in fused.strips for label in range(3) if f"True class {label}" in one.caption}
    assert shown == {0, 1, 2}
    words = (run / "modalities" / "modalities.json").read_text()
    archive = open_archive(run.parent / "archive")
    names = [*archive.table("units")["unit_id"], *archive.table("subjects")["pseudonym"]]
    assert not any(name in words for name in names)
    page = (run / "report.html").read_text()
    assert 'id="modalities"' in page
    assert "Before the shift" in page
    assert "without picture narrow band" in page


def test_every_start_has_an_objective_and_the_second_modality_it_names(tmp_path: Path):
    ingest_folders(kvasir(tmp_path / "files", each=2), into=tmp_path / "archive")
    inputs = Inputs(tmp_path / "archive", None, {"imagenet": tmp_path})
    everything = replace(SETTINGS, starts=())
    made = pretraining(everything, inputs)
    assert set(made) == {
        name for name, start in STARTS.items() if start.by and not start.of and name != "mics_narrow_band"
    }
    assert made["mics"].modalities == ("picture", "picture_narrow_band")  # pyright: ignore[reportAttributeAccessIssue]
    assert made["mics_augmented"].modalities == ("picture", "picture_augmented")  # pyright: ignore[reportAttributeAccessIssue]
    assert made["simclr"].modalities == ("picture",)  # pyright: ignore[reportAttributeAccessIssue]
    alone = made["only_alignment"].settings.objective  # pyright: ignore[reportAttributeAccessIssue]
    assert (alone.terms, alone.other) == (("clip",), "picture_narrow_band")
    assert set(arms(everything, inputs)) == {name for name in STARTS if name != "mics_narrow_band"} | {"components"}


def test_gray_slices_have_no_narrow_band_and_a_real_second_modality(tmp_path: Path):
    archive = slices(tmp_path / "files")
    settings = replace(
        SETTINGS, starts=(), outcome="sign", first="flair", second="post", external_sites=("far",),
        covariates=("place",), within="place < 0.5",
    )  # fmt: skip
    pair = pair_of(open_archive(archive), MODEL, first="flair", second="post")
    assert pair.main == "real"
    assert set(pair.names) == {"augmented", "real"}
    material = open_pairs(Inputs(archive), settings, tmp_path / "cache")
    fold = fold_of(material, "sign", seed=1, fraction=0.05)
    assert len(np.unique(material.subjects[fold.labelled])) == 2  # every patient has both classes
    sites = material.units["site"].to_numpy()
    assert (sites[fold.pretraining] == "home").all()
    assert (sites[fold.test] == "far").sum() == 12
    assert not set(material.subjects[fold.test]) & set(material.subjects[fold.pretraining])
    small = replace(settings, starts=("random",), modes=("frozen",), fractions=(1.0,))
    paired_study(archive, out=tmp_path / "run", settings=small)
    results = pl.read_csv(tmp_path / "run" / "results.csv")
    assert set(results["stratum"]) == {"all", "place < 0.5"}
    assert {"only_place", "random", "components"} <= set(results["arm"])
    assert {"internal", "external"} == set(results["cohort"])


def test_what_an_archive_does_not_allow_is_refused(tmp_path: Path):
    archive = slices(tmp_path / "files")
    for given, words in (
        ({}, "name a modality with --first; it has flair, post, pre"),
        ({"first": "flair", "second": "nbi"}, "with --second"),
        ({"first": "flair", "starts": ("mics",)}, "mics cannot be run"),
        ({"first": "flair", "starts": ("imagenet",)}, "imagenet cannot be run"),
        ({"first": "flair", "starts": ("random",), "covariates": ("age",)}, "no column age"),
        ({"first": "flair", "starts": ("random",), "seeds": (9,)}, "must be among the folds"),
    ):
        with pytest.raises(InputError, match=words):
            paired_study(
                archive, out=tmp_path / "run", settings=replace(SETTINGS, outcome="sign", **({"starts": ()} | given))
            )
    with pytest.raises(InputError, match="no start 'mix'"):
        PairedSettings(starts=("mix",))
    assert {"gastro", "paired"} <= set(STUDIES)
