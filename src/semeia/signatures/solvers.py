"""From samples to components, by any solver: whiten, solve, bring into one form.

`SOLVERS` is the table: a new algorithm is one function of white rows in it.
"""

import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Float

from semeia.errors import InputError
from semeia.signatures.blocks import Samples
from semeia.signatures.components import Components, canonical, start_from
from semeia.signatures.ica import IcaSettings, Report, Unmixing, fast_ica, initial
from semeia.signatures.whitening import Whitening, moments, whiten, whitened

Solver = Callable[[Samples, IcaSettings, Float[np.ndarray, "k k"] | None, Report | None], Unmixing]
SolverName = Literal["fastica", "picard"]
