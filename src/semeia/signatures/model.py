"""Hold fitted signatures: what turns a patient's record up to a date into expressions.

A `SignatureModel` is fitted on training patients only (fit.py) and never changes afterwards. On disk it is a folder of
signatures.safetensors (arrays), channels.parquet and signatures.json (the rest).
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Bool, Float, Int

from semeia import __version__
from semeia.archive.atomic import naming, write_bytes, write_json, write_parquet
from semeia.archive.parquet_file import read_parquet
from semeia.archive.small_file import MEGABYTE, read_object, read_small, require_regular
from semeia.errors import InputError
from semeia.settings_json import from_plain, known_fields
from semeia.signatures.channels import Channels
from semeia.signatures.fitted_on import FittedOn
from semeia.signatures.ica.components import Components
from semeia.signatures.scaling import Scaling, scaling_from
from semeia.signatures.stability import LEAST_STABLE
from semeia.signatures.window import Window

ARRAYS, CHANNELS, ABOUT = "signatures.safetensors", "channels.parquet", "signatures.json"
FORMAT = 3  # 3: records are known by their values, too
LARGEST = 256 * MEGABYTE


@dataclass(frozen=True)
class Fitting:
    """How the fit ended, and on how much.

    `state` is converged, unconverged (nothing may be expressed), or accepted (unconverged, and taken as it is).
    `last_change` is None where a solver does not tell. Of the training patients' events are counted: measurements
    without a number (`valueless`) and events without a time (`undated`), which were left out, and numbers that were
    taken as the limit of their channel (`limited`).
    """

    solver: str
    state: str
    iterations: int
    last_change: float | None
    patients: int
    sections: int
    variance_kept: float
    valueless: int
    undated: int
    limited: int


@dataclass(frozen=True)
class SignatureModel:
    """Fitted signatures.

    Attributes:
        scaling: how a channel's curve becomes a number, and what stands for a missing one.
        components: expressions = (x - mean) unmixing'; x is about mean + expressions mixing'.
        seed: of the draws of the intensities: the same record gives the same expression, always.
        stable: typical |cosine| of each signature with its match in refits, [k]; NaN where none were made.
        stable_low: the same, as one refit in ten falls below, [k].
        index: Icasso-like index of each signature, [k].
        prevalence: share of the training sections that have each channel, [p].
    """

    channels: Channels
    scaling: Scaling
    components: Components
    window: Window
    seed: int
    stable: Float[np.ndarray, " k"]
    stable_low: Float[np.ndarray, " k"]
    index: Float[np.ndarray, " k"]
    prevalence: Float[np.ndarray, " p"]
    fitting: Fitting
    fitted_on: FittedOn

    @property
    def names(self) -> tuple[str, ...]:
        """The columns of expressions: s001, s002, ... by descending explained variance."""
        digits = max(3, len(str(len(self.components.unmixing))))
        return tuple(f"s{number:0{digits}d}" for number in range(1, len(self.components.unmixing) + 1))

    def require_usable(self) -> None:
        """Refuse a fit that did not converge and was not accepted."""
        if self.fitting.state == "unconverged":
            raise InputError(
                f"these signatures did not converge in {self.fitting.iterations} iterations; fit them again with more "
                "iterations or fewer components, or accept them as they are with --accept_unconverged true."
            )

    @property
    def unstable(self) -> Bool[np.ndarray, " k"]:
        """Signatures that refits do not find again; those never refitted are not marked."""
        return np.nan_to_num(self.stable, nan=1.0) < LEAST_STABLE

    @property
    def holds(self) -> Float[np.ndarray, "p k"]:
        """The part of what the signatures explain of a channel that each of them does; 0 where they explain none."""
        squares = self.components.mixing**2
        total = squares.sum(axis=1, keepdims=True)
        return np.divide(squares, total, out=np.zeros_like(squares), where=total > 0)

    def top(self, signature: int, *, most: int = 12) -> Int[np.ndarray, " n"]:
        """The channels that weigh most in a signature (its place), by descending |mixing|."""
        return np.argsort(-np.abs(self.components.mixing[:, signature]), kind="stable")[:most]

    def save(self, folder: Path, *, command: Mapping[str, object] | None = None) -> Path:
        """Write the model's folder, `signatures.json` last: where it is, the rest is whole.

        `command` is what it was fitted by, in types of JSON, so that the same command again is known.
        """
        from safetensors.numpy import save

        arrays = {name: np.ascontiguousarray(getattr(self.components, name)) for name in _COMPONENTS}
        arrays |= {name: getattr(self, name) for name in _OWN}
        with naming(folder):
            folder.mkdir(parents=True, exist_ok=True)
        write_bytes(folder / ARRAYS, save(arrays))
        write_parquet(folder / CHANNELS, self.channels.table)
        about = {
            "format": FORMAT,
            "semeia_version": __version__,
            "window": asdict(self.window),
            "seed": self.seed,
            "fitting": asdict(self.fitting),
            "fitted_on": asdict(self.fitted_on),
            "channels": self.channels.digest(),
            "scaling": self.scaling.as_json(),
            "command": command,
        }
        write_json(folder / ABOUT, about)
        return folder


_COMPONENTS = ("mean", "unmixing", "mixing", "explained")
_OWN = ("stable", "stable_low", "index", "prevalence")


def load_signatures(folder: Path) -> SignatureModel:
    """Read a model's folder.

    Raises:
        InputError: There is no model, it is damaged, or its files do not belong together.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    if not (folder / ABOUT).is_file():
        raise InputError(f"{folder}: holds no signatures; fit them with 'semeia signatures fit'.")
    try:
        about: dict[str, Any] = read_object(folder / ABOUT, most=LARGEST)
        arrays = load(read_small(folder / ARRAYS, most=16 * LARGEST))
        require_regular(folder / CHANNELS)
        channels = Channels(read_parquet(folder / CHANNELS))
        if about["channels"] != channels.digest() or about["format"] != FORMAT:
            raise InputError(f"{folder}: its files do not belong together, or another version wrote them.")
        return SignatureModel(
            channels=channels,
            scaling=scaling_from(about["scaling"]),
            components=Components(**{name: arrays[name] for name in _COMPONENTS}),
            window=from_plain(Window, about["window"]),
            seed=int(about["seed"]),
            fitting=from_plain(Fitting, known_fields(Fitting, about["fitting"])),
            fitted_on=from_plain(FittedOn, about["fitted_on"]),
            **{name: arrays[name] for name in _OWN},
        )
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        SafetensorError,
        pl.exceptions.PolarsError,
    ) as error:
        raise InputError(f"{folder}: damaged ({type(error).__name__}); fit the signatures again.") from error
