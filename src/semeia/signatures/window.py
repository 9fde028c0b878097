"""Keep the clock of the curves: times as numbers of steps on one grid shared by all patients.

Steps are counted from 1970-01-01 00:00: a step of 24 hours is a calendar day, and one of an hour an hour of the clock.
A patient's grid runs from the step of the first event other than birth to the step of the section, both included.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64

from semeia.archive.store import Archive
from semeia.errors import InputError

_MICROSECONDS = 3_600_000_000


@dataclass(frozen=True)
class Window:
    """How fine the grid is and how far back a mean reaches.

    Attributes:
        length_hours: length of the trailing window; a year by default, 24 for intensive care.
        step_hours: a step of the grid; a day by default, 1 for intensive care.
    """

    length_hours: float | int = 8760.0
    step_hours: float | int = 24.0

    def __post_init__(self) -> None:
        if not (self.step_hours > 0 and self.length_hours > 0):
            raise InputError(f"window: length {self.length_hours} h and step {self.step_hours} h must be above 0.")
        ratio = self.length_hours / self.step_hours
        if abs(ratio - round(ratio)) > 1e-9 or self.step_microseconds < 1:
            raise InputError(f"window: {self.length_hours} h are not a whole number of steps of {self.step_hours} h.")

    @property
    def steps(self) -> int:
        """Number of steps the trailing window holds, the section's own included."""
        return round(self.length_hours / self.step_hours)

    @property
    def steps_a_day(self) -> float:
        """What turns events a step into events a day."""
        return 24.0 / self.step_hours

    @property
    def step_microseconds(self) -> int:
        """Length of a step."""
        return round(self.step_hours * _MICROSECONDS)

    def step_of(self, microseconds: Int64[np.ndarray, "n"]) -> Int64[np.ndarray, "n"]:
        """The step each time (microseconds since 1970) falls into; times before 1970 have negative steps."""
        return microseconds // self.step_microseconds

    def end_of(self, step: Int64[np.ndarray, "n"]) -> Int64[np.ndarray, "n"]:
        """The last microsecond of each step: a section there sees the whole step."""
        return (step + 1) * self.step_microseconds - 1


def window_of(archive: Archive) -> Window:
    """The window an archive was given with its records (the last that was), else a year in days."""
    given = [part["notes"]["window"] for part in archive.parts if part.get("notes", {}).get("window")]
    return Window(**given[-1]) if given else Window()
