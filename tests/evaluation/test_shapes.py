"""Arrays of the evaluation have the shapes and types that are written of them.

In all other rooms every test checks that. Statistics are computed for each resample, where the check takes four fifths
of the time; so here whole evaluations, and the tests of the statistics, are checked once, in processes of their own.
"""

import subprocess
import sys
from pathlib import Path

CHECKED = """
import numpy as np
import pytest
from jaxtyping import install_import_hook

with install_import_hook("semeia.evaluation", "beartype.beartype"):
    from semeia.evaluation import EvaluationSettings, evaluate
    from semeia.evaluation.statistics.discrimination import auroc_draws

from grade_tables import grade_predictions
from prediction_tables import predictions, times_to_event

evaluate(predictions(), settings=EvaluationSettings(draws=100, covariate="diameter_mm", references=("baseline",)))
evaluate(grade_predictions(), settings=EvaluationSettings(draws=100))
evaluate(times_to_event(), settings=EvaluationSettings(draws=100, horizon=2.0))
with pytest.raises(Exception, match='[Tt]ype-check'):
    auroc_draws(np.zeros((2, 3)), np.zeros(3), np.zeros((4, 3)))
"""


def test_whole_evaluations_with_every_call_checked():
    tests = Path(__file__).parents[1]
    subprocess.run([sys.executable, "-c", CHECKED], cwd=tests, check=True, timeout=500)


def test_the_tests_of_the_statistics_pass_with_every_call_checked(tmp_path: Path):
    options = "--import-mode=importlib --strict-markers --jaxtyping-packages=semeia,beartype.beartype"
    quiet = ["-q", "-p", "no:cacheprovider", f"--basetemp={tmp_path / 'inner'}", "-o", f"addopts={options}"]
    command = [sys.executable, "-m", "pytest", *quiet, str(Path(__file__).parent / "statistics")]
    subprocess.run(command, cwd=Path(__file__).parents[2], check=True, timeout=500)
