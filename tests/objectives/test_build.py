"""Every name becomes its objective; every name has its settings; a wrong name is told the right ones."""

from dataclasses import fields

import pytest

from semeia.errors import InputError
from semeia.objectives.build import OBJECTIVES, ObjectiveSettings, build_objective
from semeia.objectives.objective import Objective
from semeia.objectives.sum import Sum
from small_views import SmallText, small_encoder


@pytest.mark.parametrize("name", OBJECTIVES)
def test_every_name_builds_an_objective_on_the_encoder_given(name: str):
    encoder = small_encoder()
    made = build_objective(ObjectiveSettings(terms=(name,)), encoder, text=SmallText())
    assert isinstance(made, Objective)
    assert not isinstance(made, Sum)
    assert made.encoder is encoder


def test_every_name_has_a_field_of_settings():
    assert {field.name for field in fields(ObjectiveSettings)} == {"terms", "weights", *OBJECTIVES}


def test_several_names_are_summed():
    made = build_objective(ObjectiveSettings(terms=("simclr", "clip")), small_encoder(), text=SmallText())
    assert isinstance(made, Sum)
    assert list(made.terms) == ["simclr", "clip"]


@pytest.mark.parametrize("terms", [("simclr", "dino"), (), ("mae", "mae")])
def test_wrong_names_are_told_the_right_ones(terms: tuple[str, ...]):
    with pytest.raises(InputError, match="different names of jepa, simclr, moco, byol, vicreg, mae, clip, convirt"):
        build_objective(ObjectiveSettings(terms=terms), small_encoder())


@pytest.mark.parametrize("weights", [(1.0,), (1.0, 0.0), (1.0, 1.0, 1.0)])
def test_weights_are_one_above_zero_for_each_term(weights: tuple[float, ...]):
    with pytest.raises(InputError, match=r"must be one above 0 for each of \['simclr', 'byol'\]"):
        build_objective(ObjectiveSettings(terms=("simclr", "byol"), weights=weights), small_encoder())


@pytest.mark.parametrize("name", ["clip", "convirt"])
def test_reports_need_an_encoder_of_text(name: str):
    with pytest.raises(InputError, match="no text encoder"):
        build_objective(ObjectiveSettings(terms=(name,)), small_encoder())
