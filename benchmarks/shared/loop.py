"""The project's own loop as the benchmarks run it: on the CPU, seed 0, in a folder that is thrown away."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from semeia.learning.loop import LoopSettings, train
from semeia.learning.schedule import OptimiserSettings
from semeia.objectives.objective import Objective
from semeia.progress import Report


def run_loop(
    objective: Objective,
    batch_of: Callable[..., Any],
    *,
    units: int,
    optimiser: OptimiserSettings,
    report: Report,
    **settings: Any,
) -> None:
    """Train to the end, or until `report` raises; `settings` are those of `LoopSettings`."""
    with tempfile.TemporaryDirectory() as folder:
        train(
            objective,
            batch_of,
            units=units,
            optimiser=optimiser,
            seed=0,
            folder=Path(folder),
            cell="benchmark",
            phase="pretrain",
            settings=LoopSettings(device="cpu", **settings),
            report=report,
        )
