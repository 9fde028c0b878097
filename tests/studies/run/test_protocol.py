"""What a study refuses before it begins; the folder it was to have is free for the corrected command."""

from dataclasses import replace
from pathlib import Path

import pytest

from semeia.archive import open_archive
from semeia.errors import InputError
from semeia.studies.nodule import NoduleSettings, nodule_study
from semeia.studies.run.protocol import require_fractions, require_inside, require_seeds
from small_training import PRETRAIN, nodule_archive


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight patients each of GE, of Siemens, and of no known maker."""
    return nodule_archive(tmp_path_factory.mktemp("nodules"), 24)


def test_a_site_that_is_not_there_is_refused_with_those_that_are(archive: Path):
    opened = open_archive(archive)
    require_inside(opened, "GE", folds=5)
    with pytest.raises(
        InputError, match=r"0 patients are of the site 'Philips', .* in 5 folds; the sites are"
    ) as refused:
        require_inside(opened, "Philips", folds=5)
    for words in ("GE (8 patients)", "Siemens (8 patients)", "name another with --internal"):
        assert words.lower() in str(refused.value).lower()
    with pytest.raises(InputError, match="8 patients are of the site 'GE', which the study trains on in 9 folds"):
        require_inside(opened, "GE", folds=9)


def test_the_folder_is_free_for_the_corrected_command(archive: Path, tmp_path: Path):
    run = tmp_path / "run"
    for wrong in (NoduleSettings(internal="Philips"), NoduleSettings(outcome="malignency")):
        with pytest.raises(InputError):
            nodule_study(archive, out=run, settings=replace(wrong, pretraining=PRETRAIN))
        assert not run.exists()


def test_seeds_are_folds_each_once_and_fractions_are_shares():
    require_seeds((0, 4), folds=5)
    require_fractions((0.1, 1))
    for seeds, folds in (((), 5), ((5,), 5), ((-1,), 5), ((0, 0), 5), ((0,), 1)):
        with pytest.raises(InputError, match=r"^study: (seeds|folds)"):
            require_seeds(seeds, folds=folds)
    for fractions in ((), (0.0,), (1.5,), (0.5, 0.5)):
        with pytest.raises(InputError, match=r"^study: fractions"):
            require_fractions(fractions)
