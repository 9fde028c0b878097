"""Which model and which knees are shown follows the rules; the map finds the place that a planted model looks at."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from torch import nn

from knee_study import CROP, MODEL, TRAINING, knee_archive
from semeia.archive import open_archive
from semeia.data.dataset import Dataset
from semeia.encoders.patient import EncoderSettings, PatientEncoder
from semeia.learning.cells import Cell
from semeia.learning.finetune import fresh_model
from semeia.objectives.heads.pooled import PooledHead
from semeia.objectives.task import Task
from semeia.studies.pictures.knee import arms, open_knees
from semeia.studies.pictures.knee_settings import GRADES, STARTS, KneeSettings
from semeia.studies.run.pictures import chosen_pictures, drawn, maps_of, shown_cell, stretched
from semeia.studies.run.study import Finished, Inputs, Material, Work
from small_training import values_of

EVERY = arms(KneeSettings(starts=tuple(STARTS), heads=("nominal", "ordinal")), Inputs(Path()))


def finished(cells: list[tuple[str, str, float, int]]) -> Finished:
    """A study of these cells, and nothing else of it."""
    nobody = np.zeros(0, bool)
    material = Material(pl.DataFrame(), nobody, {"grade": np.zeros(0)}, lambda seed: nobody)
    work = Work(Path(), Inputs(Path()), None, material)
    return Finished(work, [], [Cell(*cell) for cell in cells], pl.DataFrame(), {}, EVERY)


def predictions(cells: list[tuple[str, str, float, int]], *, units: int = 20) -> pl.DataFrame:
    """Scores drawn at random for some cells, of the same units."""
    rng = np.random.default_rng(0)
    tables = []
    for arm, mode, fraction, seed in cells:
        chances = rng.dirichlet(np.ones(GRADES), units)
        columns = {f"score_{grade}": chances[:, grade] for grade in range(GRADES)}
        named = {"arm": arm, "mode": mode, "fraction": fraction, "seed": seed}
        about = {
            "unit_id": [f"u{place:02d}" for place in range(units)],
            "label": [place % GRADES for place in range(units)],
            "cohort": ["internal" if place < units // 2 else "external" for place in range(units)],
        }
        tables.append(pl.DataFrame(about | columns).with_columns(**{k: pl.lit(v) for k, v in named.items()}))
    return pl.concat(tables)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (
            [("random", "finetune", 1.0, 0), ("mae", "frozen", 1.0, 0), ("mae", "finetune", 0.5, 0)]
            + [("mae", "finetune", 1.0, seed) for seed in (2, 1)]
            + [("vicreg", "finetune", 1.0, 1), ("ijepa", "finetune", 1.0, 0), ("picture_components", "none", 1.0, 0)],
            Cell("ijepa", "finetune", 1.0, 0),
        ),
        ([("mae", "frozen", 1.0, 3), ("simclr", "frozen", 1.0, 3)], Cell("simclr", "frozen", 1.0, 3)),
        ([("random", "frozen", 0.5, 0), ("imagenet", "frozen", 0.5, 0)], Cell("random", "frozen", 0.5, 0)),
        ([("simclr_ordinal", "frozen", 1.0, 0), ("simclr", "frozen", 1.0, 0)], Cell("simclr", "frozen", 1.0, 0)),
        ([("picture_components", "none", 1.0, 0)], None),
    ],
)
def test_the_model_is_chosen_by_what_it_is(cells: list[tuple[str, str, float, int]], expected: Cell | None):
    assert shown_cell(finished(cells)) == expected
    # Whatever the order in which they were run; its scores it is not shown.
    assert shown_cell(finished(cells[::-1])) == expected


def test_the_clearest_of_each_grade_and_the_worst_miss_of_each_cohort():
    table = predictions([("mae", "finetune", 1.0, 0)], units=200)
    found = chosen_pictures(table)
    chances = table.select(f"score_{grade}" for grade in range(GRADES)).to_numpy()
    labels, cohorts = table["label"].to_numpy(), table["cohort"].to_numpy()
    right = chances.argmax(1) == labels
    expected = []
    for grade in range(GRADES):
        mine = np.flatnonzero(right & (labels == grade))
        expected.append(mine[chances[mine].max(1).argmax()])
    off = np.abs(chances @ np.arange(GRADES) - labels)
    worst = [np.flatnonzero(~right & (cohorts == c)) for c in ("internal", "external")]
    worst = sorted((rows[off[rows].argmax()] for rows in worst), key=lambda row: -off[row])
    assert [row["unit_id"] for row, _ in found] == [table["unit_id"][int(row)] for row in [*expected, *worst]]
    assert [words.startswith("a miss") for _, words in found] == [False] * GRADES + [True] * 2


def test_one_cohort_gives_both_misses_and_a_perfect_model_none():
    table = predictions([("mae", "finetune", 1.0, 0)], units=60).with_columns(cohort=pl.lit("internal"))
    assert sum(words.startswith("a miss") for _, words in chosen_pictures(table)) == 2
    perfect = table.with_columns(
        [(pl.col("label") == grade).cast(pl.Float64).alias(f"score_{grade}") for grade in range(GRADES)]
    )
    found = chosen_pictures(perfect)
    assert [row["label"] for row, _ in found] == list(range(GRADES))
    # Ties go to the first unit by name.
    assert [row["unit_id"] for row, _ in found] == [f"u{grade:02d}" for grade in range(GRADES)]


@pytest.fixture(scope="module")
def knees(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Dataset]:
    folder = tmp_path_factory.mktemp("knees")
    archive = knee_archive(folder, 6, forms=("8 bit", "wide"))
    data = open_knees(Inputs(archive), KneeSettings(training=TRAINING), folder / "cache").dataset
    assert data is not None
    return archive, data


class Corner(nn.Module):
    """Reads the first patch only: rows and columns 0 to 7."""

    maskable = True

    def forward(self, values: torch.Tensor, present: torch.Tensor) -> torch.Tensor:
        tokens = torch.zeros(*present.shape, 16)
        tokens[:, 0, 0] = 60 * values.reshape(len(values), *CROP.voxels)[:, 0, :8, :8].mean((1, 2))
        return tokens


def test_the_map_is_where_the_expected_grade_comes_from(knees: tuple[Path, Dataset]):
    _, own = knees
    base = fresh_model(own, np.arange(4), modalities=("image",), settings=MODEL.encoder, seed=0)
    head = PooledHead(1, 32, task=Task("nominal", GRADES))
    with torch.no_grad():
        head.linear.weight.zero_()
        head.linear.weight[:, 0] = torch.linspace(-2, 2, GRADES)
    encoder = PatientEncoder({"image": Corner()}, settings=EncoderSettings(dim=16, depth=0, heads=2))
    model = replace(base, encoder=encoder.eval(), head=head)
    maps = maps_of(model, model.batch(own, np.array([0, 3])), "image")
    assert maps.shape == (2, 16, 24)
    for one in maps:
        assert one.max() == pytest.approx(1)
        assert one[:8, :8].mean() > 3 * one[:, 16:].mean()
    with pytest.raises(ValueError, match="has a head"):
        maps_of(replace(model, head=None), model.batch(own, np.array([0])), "image")


def test_what_is_drawn_is_what_the_network_sees_but_finer(knees: tuple[Path, Dataset]):
    path, own = knees
    archive = open_archive(path)
    seen = values_of(own, "image")
    for row, unit in enumerate(own.units["unit_id"]):
        image = archive.table("images").row(by_predicate=pl.col("unit_id") == unit, named=True)
        picture = drawn(archive.pixels(image), image, CROP)
        assert picture.shape == (160, 240)
        coarse = picture.reshape(16, 10, 24, 10).mean((1, 3))
        assert np.corrcoef(coarse.ravel(), seen[row].astype(float).ravel())[0, 1] > 0.95


def test_a_map_is_stretched_smoothly():
    small = np.zeros((4, 6), np.float32)
    small[1, 2] = 1
    large = stretched(small, (40, 60))
    assert large.shape == (40, 60)
    assert np.unravel_index(large.argmax(), large.shape)[0] // 10 == 1
    assert 0 <= large.min() <= large.max() <= 1
    assert np.abs(np.diff(large, axis=0)).max() < 0.2
