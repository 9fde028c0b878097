"""Every name becomes its objective; every name has its settings; a wrong name is told the right ones."""

from dataclasses import fields

import pytest

from semeia.errors import InputError
from semeia.objectives.build import OBJECTIVES, ObjectiveSettings, build_objective
from semeia.objectives.objective import Objective
from semeia.objectives.sum import Sum
from small_batches import small_encoder


@pytest.mark.parametrize("name", OBJECTIVES)
def test_every_name_builds_an_objective_on_the_encoder_given(name: str):
    encoder = small_encoder()
    made = build_objective(ObjectiveSettings(terms=(name,)), encoder)
    assert isinstance(made, Objective)
    assert not isinstance(made, Sum)
    assert made.encoder is encoder


def test_every_name_has_a_field_of_settings():
    assert {field.name for field in fields(ObjectiveSettings)} == {"terms", "weights", "modality", "other", *OBJECTIVES}


def test_several_names_are_summed():
    made = build_objective(ObjectiveSettings(terms=("simclr", "clip")), small_encoder())
    assert isinstance(made, Sum)
    assert list(made.terms) == ["simclr", "clip"]


@pytest.mark.parametrize("terms", [("simclr", "dino"), (), ("mae", "mae")])
def test_wrong_names_are_told_the_right_ones(terms: tuple[str, ...]):
    with pytest.raises(
        InputError, match="different names of jepa, simclr, moco, byol, vicreg, mae, clip, convirt, albef"
    ):
        build_objective(ObjectiveSettings(terms=terms), small_encoder())


@pytest.mark.parametrize("weights", [(1.0,), (1.0, 0.0), (1.0, 1.0, 1.0)])
def test_weights_are_one_above_zero_for_each_term(weights: tuple[float, ...]):
    with pytest.raises(InputError, match=r"must be one above 0 for each of \['simclr', 'byol'\]"):
        build_objective(ObjectiveSettings(terms=("simclr", "byol"), weights=weights), small_encoder())


@pytest.mark.parametrize("name", ["clip", "convirt", "albef", "adversarial"])
def test_pairs_are_of_two_modalities_the_first_and_the_last_or_as_named(name: str):
    with pytest.raises(InputError, match=f"{name} needs two modalities; the encoder reads image"):
        build_objective(ObjectiveSettings(terms=(name,)), small_encoder(modalities=("image",)))
    encoder = small_encoder(modalities=("image", "reading", "report"))
    assert build_objective(ObjectiveSettings(terms=(name,)), encoder).pair == ("image", "report")
    named = ObjectiveSettings(terms=(name,), modality="reading", other="image")
    assert build_objective(named, encoder).pair == ("reading", "image")
    with pytest.raises(InputError, match="learns from 'ecg'; the encoder reads image, reading, report"):
        build_objective(ObjectiveSettings(terms=(name,), other="ecg"), encoder)


@pytest.mark.parametrize("name", ["simclr", "moco", "byol", "vicreg"])
def test_views_are_of_the_first_modality_or_of_the_one_named(name: str):
    encoder = small_encoder(modalities=("image", "reading"))
    assert build_objective(ObjectiveSettings(terms=(name,)), encoder).modality == "image"
    with pytest.raises(InputError, match="learns from 'ecg'; the encoder reads image, reading"):
        build_objective(ObjectiveSettings(terms=(name,), modality="ecg"), encoder)
    assert build_objective(ObjectiveSettings(terms=(name,), modality="reading"), encoder).modality == "reading"
