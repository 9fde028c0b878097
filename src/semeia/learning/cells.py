"""Name the cells of a run folder: which trained model lies where. Copies and backups of cells are none."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

DONE = "cell.json"
STATE = "training.safetensors"  # from which an interrupted training goes on
_PRETRAINED = re.compile(r"pretrained/([\w.-]+)/seed-(0|[1-9]\d*)")
_LABELLED = re.compile(
    r"cells/([\w.-]+)/(none|frozen|finetune|probe_finetune)/([\d.e-]+)/((?:[a-z_]+=[\w.-]+/)*)seed-(0|[1-9]\d*)"
)


@dataclass(frozen=True, order=True)
class Cell:
    """One trained model of a study.

    Attributes:
        mode: "none", "frozen", "finetune", "probe_finetune", or "pretrain".
        fraction: of the labelled training patients.
        axes: further axes that the study opens, as (name, value): the outcome, a dial of a sweep, ...
    """

    arm: str
    mode: str
    fraction: float
    seed: int
    axes: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        """Path below the run folder; also the `cell` of its metrics."""
        if self.mode == "pretrain":
            return f"pretrained/{self.arm}/seed-{self.seed}"
        opened = "".join(f"{name}={value}/" for name, value in self.axes)
        return f"cells/{self.arm}/{self.mode}/{self.fraction:g}/{opened}seed-{self.seed}"

    def axis(self, name: str, default: str = "") -> str:
        """The value on a further axis."""
        return dict(self.axes).get(name, default)

    @property
    def shown(self) -> str:
        """The arm as tables name it: with its place on further axes; the outcome has a column of its own."""
        return "".join([self.arm, *(f"@{name}={value}" for name, value in self.axes if name != "outcome")])

    def record(self) -> dict[str, object]:
        """What `cell.json` says of it."""
        named = {"arm": self.arm, "mode": self.mode, "fraction": self.fraction, "seed": self.seed}
        return {**named, **dict(self.axes)}


def cells_of(run: Path) -> list[Cell]:
    """List the cells in a run folder, begun or finished, sorted by name and by number of the seed.

    A folder counts whose path is a cell's and, once it is finished, whose `cell.json` says the same: `seed-0 (copy)`
    and an arm that was copied under another name are left alone.
    """
    folders = [*run.glob("pretrained/*/seed-*"), *run.glob("cells/*/*/*/**/seed-*")]
    cells = [cell for folder in folders if (cell := _cell_at(folder.relative_to(run).as_posix()))]
    own = (cell for cell in cells if _is_own(run / cell.name, cell))
    return sorted(own, key=lambda cell: (cell.mode != "pretrain", cell.name.rpartition("/")[0], cell.seed))


def is_finished(folder: Path) -> bool:
    """Say whether a cell's folder is marked as finished and still holds every file that it held then."""
    try:
        about = json.loads((folder / DONE).read_text(encoding="utf-8"))
        return all((folder / name).is_file() for name in about.get("files", ()))
    except (OSError, ValueError, AttributeError, TypeError):
        return False


def seconds_of(folder: Path) -> float:
    """How long a finished cell took."""
    return float(json.loads((folder / DONE).read_text(encoding="utf-8"))["seconds"])


def _cell_at(name: str) -> Cell | None:
    if match := _PRETRAINED.fullmatch(name):
        return Cell(match[1], "pretrain", 1.0, int(match[2]))
    match = _LABELLED.fullmatch(name)
    try:
        axes = tuple(tuple(part.split("=", 1)) for part in match[4].split("/") if part) if match else ()
        cell = Cell(match[1], match[2], float(match[3]), int(match[5]), axes) if match else None  # pyright: ignore[reportArgumentType]
    except ValueError:
        return None
    return cell if cell is not None and cell.name == name else None


def _is_own(folder: Path, cell: Cell) -> bool:
    if not (folder / DONE).is_file():
        return folder.is_dir()
    try:
        about = json.loads((folder / DONE).read_text(encoding="utf-8"))
        kept = {name: value for name, value in cell.record().items() if name != "fraction"}
        return all(about[name] == value for name, value in kept.items())
    except (ValueError, KeyError, TypeError):
        return False
