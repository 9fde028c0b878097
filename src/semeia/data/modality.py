"""Define the contract of a modality: how one kind of observation becomes model input.

A modality is settings and what was fitted, nothing else, so that it is written into a checkpoint as JSON and read back.
Its life: `find` lists the observations in an archive, `read` makes arrays of them once, `fit` remembers scales or a
vocabulary of training units, `prepare` makes the model's numbers of a batch, `augment` moves them, `present` and
`places` say which tokens there are and where. The network that reads it is named by `embedding` (encoders/build.py).
"""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, TypeVar

import numpy as np
import polars as pl
import torch
from jaxtyping import Bool, Float

from semeia.archive.store import Archive
from semeia.data.augment import AugmentSettings
from semeia.errors import InputError
from semeia.shapes import TokenMask

Mask = Bool[torch.Tensor, "n *part"]
Allocate = Callable[[tuple[int, ...], type], np.ndarray]
Fitted = TypeVar("Fitted")


@dataclass(frozen=True)
class History:
    """How much of a unit's past is read.

    Attributes:
        most: observations at most, the newest first.
        months: how far back from the index date; None is all the way.
    """

    most: int = 16
    months: float | None = None

    def __post_init__(self) -> None:
        if self.most < 1 or (self.months is not None and self.months < 0):
            raise InputError(f"history: most {self.most} must be 1 or more, months {self.months} 0 or more")


@dataclass(frozen=True)
class Arrays:
    """The observations of one modality.

    Attributes:
        values: [observation, channel, ...], perhaps memory-mapped; of texts an array of objects.
        mask: what was observed of each, bool [observation, part], in the modality's own parts (planes, items, ...).
        names: of the items, where the parts have names.
    """

    values: np.ndarray
    mask: np.ndarray
    names: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.mask)

    def named(self, names: tuple[str, ...], chosen: np.ndarray) -> np.ndarray:
        """Take the items of those names, in their order, float32 [chosen, item]; NaN where there is none."""
        values = np.full((len(chosen), len(names)), np.nan, np.float32)
        for place, name in enumerate(names):
            if name in self.names:
                values[:, place] = self.values[chosen, self.names.index(name)]
        return values


@dataclass(frozen=True)
class Modality(ABC):
    """Settings of one modality; a subclass is one file, has a field `type` that names it, and registers itself.

    Attributes:
        source: which observations of an archive are read.
    """

    register: ClassVar[dict[str, type["Modality"]]] = {}  # by the value of `type`; a checkpoint is read by it
    called: ClassVar[str] = ""  # what it is named where an archive offers it and no settings name it
    large: ClassVar[bool] = False  # whether arrays are worth keeping on disk
    # Settings that change no stored array: what is fitted, which observations a unit has, what a network makes of them.
    after_reading: ClassVar[tuple[str, ...]] = ("fitted", "history")

    source: str = ""
    history: History = History()

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "type" in vars(cls):
            Modality.register[vars(cls)["type"]] = cls

    @property
    @abstractmethod
    def embedding(self) -> str:
        """The network that reads it, a name in `encoders.build.EMBEDDINGS`."""

    @abstractmethod
    def find(self, archive: Archive) -> pl.DataFrame:
        """List the observations: unit_id (null: of the whole patient), subject_id, time, and what `read` needs.

        Columns sha256 and phash, where there are any, recognise a known patient (data/fingerprint.py).
        """

    @abstractmethod
    def read(self, archive: Archive, found: pl.DataFrame, allocate: Allocate) -> Arrays:
        """Make arrays of what was found, in its order; large ones in memory that `allocate(shape, dtype)` gives."""

    @abstractmethod
    def places(self, tokens: int) -> Float[torch.Tensor, "token 3"]:
        """Place the tokens of one observation; see `Seen.where`."""

    def placed(
        self, tokens: int, when: Float[torch.Tensor, "batch visit"]
    ) -> Float[torch.Tensor, "batch visit token 3"]:
        """Place the tokens of every visit, so many months before the index date; by default alike in all of them."""
        return self.places(tokens).to(when.device).expand(*when.shape, -1, -1)

    def arrays(self, values: np.ndarray, names: tuple[str, ...] = ()) -> Arrays:
        """Take observations from memory, [observation, ...]; by default all of each is there."""
        return Arrays(values, np.ones((len(values), 1), bool), names)

    def of_archive(self, archive: Archive) -> "Modality":
        """Take over what only an archive decides (number of channels, ...)."""
        return self

    def of_values(self, values: np.ndarray) -> "Modality":
        """Take over the same from observations in memory."""
        return self

    def left_out(self, archive: Archive) -> dict[str, int]:
        """Count what the archive holds and this modality does not read, in words."""
        return {}

    def fit(self, arrays: Arrays, chosen: np.ndarray) -> "Modality":
        """Fit on the observations of training units; the returned modality remembers."""
        return self

    def prepare(self, arrays: Arrays, chosen: np.ndarray) -> tuple[torch.Tensor, Mask]:
        """Make the model's values [n, channel, ...] and the mask [n, part] of some observations."""
        return torch.from_numpy(np.asarray(arrays.values[chosen])), torch.from_numpy(arrays.mask[chosen])

    def augment(
        self, values: torch.Tensor, mask: Mask, *, stage: AugmentSettings, generator: torch.Generator
    ) -> tuple[torch.Tensor, Mask]:
        """Draw parameters, then apply them to a whole batch on its device; by default nothing is moved.

        Args:
            values: [n, channel, ...].
            mask: [n, part].
        """
        return values, mask

    @property
    def augmented(self) -> bool:
        """Whether two views of an observation differ."""
        return type(self).augment is not Modality.augment

    def present(self, mask: Mask) -> TokenMask:
        """Say which tokens there are, [n, token]; by default a part is a token."""
        return mask

    def known(self, fitted: Fitted | None) -> Fitted:
        """Give back what was fitted; refuse to go on before `fit`."""
        if fitted is None:
            raise InputError(f"{self.describe()}: nothing has been fitted yet")
        return fitted

    def require_same(self, other: "Modality", arrays: Arrays) -> None:
        """Refuse data that were read otherwise than what this was fitted on."""
        if other.key() != self.key():
            raise InputError(f"the model reads {self.describe()}; the data were read as {other.describe()}")

    def files(self) -> tuple[Path, ...]:
        """List the files outside of the archive that it is read with; a model that is copied takes them along."""
        return ()

    def seen_from(self, folder: Path) -> "Modality":
        """Name such files relative to a folder, as they are stored with a model there."""
        return self

    def found_from(self, folder: Path) -> "Modality":
        """Name them as they stand, from what `seen_from` gave."""
        return self

    def unlike(self, arrays: Arrays) -> str:
        """Say how far observations are from those it was fitted on, where that can be told; else nothing."""
        return ""

    def numbers(self) -> int:
        """How many numbers one observation holds at most, where the settings say; a stored model is held to a bound."""
        return 0

    def require_readable(self, archive: Archive) -> None:  # noqa: B027 (most have nothing to say)
        """Say why nothing was found, where the archive holds something that is nearly it."""

    def key(self) -> str:
        """Name everything that decides what `read` gives: cached arrays hang on it."""
        read = {name: value for name, value in vars(self).items() if name not in self.after_reading}
        return hashlib.sha256(repr(read).encode()).hexdigest()[:8]

    def prepared(self) -> str:
        """Say, for a reader of the report, what was done to an observation before a network saw it."""
        return f"{self.source or type(self).__name__.lower()} is read as it is"

    def describe(self) -> str:
        """Say in words what becomes of an observation."""
        return f"{type(self).__name__.lower()} of '{self.source}'"


@dataclass(frozen=True)
class Scale:
    """What was fitted: mean and standard deviation of each item, feature or lead over the training units."""

    mean: tuple[float, ...]
    sd: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.mean) != len(self.sd):
            raise InputError("a scale's mean and sd differ in length")

    def __call__(self, values: np.ndarray, *, behind: int = 0) -> np.ndarray:
        """Standardise values whose last axis, but for so many behind it, is the scale's; in float32."""
        mean, sd = (np.asarray(one, np.float32).reshape(-1, *(1,) * behind) for one in (self.mean, self.sd))
        return (np.asarray(values, np.float32) - mean) / sd


@dataclass(frozen=True)
class Standardised(Modality):
    """Numbers that are standardised by the training units; their tokens have a number and no place."""

    def prepared(self) -> str:
        """Say that values are standardised."""
        return f"'{self.source}' is standardised by the training patients"

    def places(self, tokens: int) -> Float[torch.Tensor, "token 3"]:
        """Number the tokens."""
        return numbered(tokens)


def standard_scale(values: np.ndarray, axes: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Take mean and standard deviation over `axes`, NaN left out; 1 for what does not vary."""
    return np.nanmean(values, axes), still_at_zero(np.nanstd(values, axes))


def still_at_zero(sd: np.ndarray) -> np.ndarray:
    """Put 1 for the deviation of what does not vary, so that it is standardised to 0."""
    return np.where(sd > 1e-6, sd, 1.0)


def numbered(tokens: int) -> Float[torch.Tensor, "token 3"]:
    """Place tokens that have a number and no place: (number, 0, 0)."""
    where = torch.zeros(tokens, 3)
    where[:, 0] = torch.arange(tokens)
    return where
