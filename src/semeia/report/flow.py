"""Write and read the cohort flow: from the archive to the patients in each table, boxes in run.json under "flow".

    {"unit": "nodule",
     "boxes": [{"group": "archive", "label": "In the archive", "patients": 594, "units": 1843, "note": ""}]}

`group` says where a box stands: "archive" boxes are the trunk, from the top; "excluded" boxes stand beside
the trunk box before them; every other group ("pretraining", "internal", "external", ...) is a branch under
the trunk, its boxes from the top. `patients`, `units` (null when not counted) and `note` may be absent.
"""

from dataclasses import asdict, dataclass, replace

import numpy as np
from jaxtyping import Bool, Shaped

from semeia.report.content import Section
from semeia.report.run_folder import Run


@dataclass(frozen=True)
class Box:
    """One box of the cohort flow."""

    label: str
    group: str = "archive"
    patients: int | None = None
    units: int | None = None
    note: str = ""
    excluded: tuple["Box", ...] = ()


@dataclass(frozen=True)
class Flow:
    """The flow as it is drawn: the trunk, then the branches (group, boxes)."""

    unit: str
    trunk: list[Box]
    branches: list[tuple[str, list[Box]]]


def flow_section(run: Run) -> Section | None:
    """Show who was studied, drawn as boxes."""
    flow = read_flow(run.record.get("flow"))
    if flow is None:
        return None
    titled = [(run.names.cohort(group), boxes) for group, boxes in flow.branches]
    return Section("flow", "Who was studied", own=replace(flow, branches=titled))


def flow_record(boxes: list[Box], *, unit: str) -> dict[str, object]:
    """Return what a study stores under "flow" in run.json; `unit` is the word for one unit ("nodule")."""
    fields = ({k: v for k, v in asdict(box).items() if k != "excluded"} for box in boxes)
    return {"unit": unit, "boxes": list(fields)}


def counted(
    label: str,
    group: str,
    rows: Bool[np.ndarray, " n"],
    *,
    patients: Shaped[np.ndarray, " n"],
    units: bool = True,
    note: str = "",
) -> Box:
    """Count the patients, and unless told otherwise the units, of one box: `rows` says which of all units are in it."""
    return Box(label, group, len(np.unique(patients[rows])), int(rows.sum()) if units else None, note)


def read_flow(record: object) -> Flow | None:
    """Return the flow of a run record; None when there is none or it holds no box."""
    if isinstance(record, list):
        record = {"boxes": record}
    if not isinstance(record, dict) or not isinstance(record.get("boxes"), list):
        return None
    boxes = [_box(item) for item in record["boxes"] if isinstance(item, dict) and item.get("label")]
    if not boxes:
        return None
    trunk: list[Box] = []
    branches: dict[str, list[Box]] = {}
    for box in boxes:
        if box.group == "excluded" and trunk:
            trunk[-1] = replace(trunk[-1], excluded=(*trunk[-1].excluded, box))
        elif box.group == "archive":
            trunk.append(box)
        else:
            branches.setdefault(box.group, []).append(box)
    return Flow(unit=str(record.get("unit") or "unit"), trunk=trunk, branches=list(branches.items()))


def _box(item: dict[str, object]) -> Box:
    given = (item.get("patients"), item.get("units"))
    patients, units = (int(n) if isinstance(n, int | float) else None for n in given)
    return Box(str(item["label"]), str(item.get("group") or "archive"), patients, units, str(item.get("note") or ""))
