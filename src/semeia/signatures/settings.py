"""Set how signatures are fitted: every choice of `semeia signatures fit`, with its default."""

from dataclasses import dataclass, field

from semeia.errors import InputError
from semeia.processes import Backend
from semeia.signatures.ica.settings import IcaSettings
from semeia.signatures.ica.solvers import SolverName
from semeia.signatures.window import Window


@dataclass(frozen=True)
class SignatureSettings:
    """How signatures are fitted. The defaults are those of arXiv 2402.05802, scaled to the archive.

    Attributes:
        components: how many; None begins with an eighth of the number of training patients, from 8 to 2000, and halves
            that until the fit converges. Fewer are fitted where the sections have no more.
        least_patients: training patients a code must be seen in to be a channel.
        per_patient: sections drawn a patient, on average.
        at_least: sections drawn in all, where so many patients would give fewer.
        window: step of the grid and trailing window; None takes the archive's own.
        seed: of the sections, of the draws of intensities and of where the fit starts.
        solver: fastica or picard.
        ica: see `IcaSettings`; its seed is not looked at.
        draws: refits on bootstrap draws of the patients, for the stability of each signature; and
        starts: refits from other starts. Both 0: stability stays unknown.
        accept_unconverged: keep and use a fit that did not converge.
        workers: processes for the curves and the refits.
        backend: where those run: "local", or "ray" for the Ray cluster that RAY_ADDRESS names.
    """

    components: int | None = None
    least_patients: int = 10
    per_patient: float = 2.3
    at_least: int = 10_000
    window: Window | None = None
    seed: int = 0
    solver: SolverName = "fastica"
    ica: IcaSettings = field(default_factory=lambda: IcaSettings(most_iterations=1000))
    draws: int = 5
    starts: int = 3
    accept_unconverged: bool = False
    workers: int = 1
    backend: Backend = "local"

    def __post_init__(self) -> None:
        for name in ("least_patients", "workers"):
            if getattr(self, name) < 1:
                raise InputError(f"signatures: {name} is {getattr(self, name)}; it must be 1 or more.")
        for name in ("draws", "starts"):
            if getattr(self, name) < 0:
                raise InputError(f"signatures: {name} is {getattr(self, name)}; it must be 0 or more.")
        if self.at_least < 2 or self.per_patient < 0:
            raise InputError(
                f"signatures: at_least {self.at_least} and per_patient {self.per_patient} must be 2 and 0 or more."
            )
