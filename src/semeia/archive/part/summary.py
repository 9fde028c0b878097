"""Say what one ingest added, in numbers and in one line."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Summary:
    """What one ingest added; `repeated` when the archive held just that already, as part `part`."""

    source: str
    part: int
    subjects: int
    units: int
    images: int
    readings: int
    reports: int = 0
    arrays: int = 0
    events: int = 0
    codes: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    notes: dict[str, object] = field(default_factory=dict)
    repeated: bool = False

    def __str__(self) -> str:
        imaged = (
            f", {self.images} images, {self.readings} readings"
            if self.images or not (self.events or self.reports or self.arrays)
            else ""
        )
        written = f", {self.reports} reports" if self.reports else ""
        written += f", {self.arrays} arrays" if self.arrays else ""
        record = f", {self.events} events of {self.codes} codes" if self.events else ""
        labelled = "".join(f", {count} labels of {name}" for name, count in self.outcomes.items())
        if self.repeated:
            return f"nothing to do: part {self.part} from {self.source} is just that, and was written before"
        noted = "".join(f"\nNote: {words}" for words in self.noted())
        return (
            f"part {self.part} from {self.source}: {self.subjects} subjects, {self.units} units"
            f"{imaged}{written}{record}{labelled}{noted}"
        )

    def noted(self) -> list[str]:
        """What was noted of this part, a line each: what was counted, labels, and columns that were not read."""
        counted, labels = self.notes.get("counted"), self.notes.get("labels")
        lines = [f"{number} {words}" for words, number in counted.items()] if isinstance(counted, dict) else []
        lines += [str(labels)] if labels else []
        unread = self.notes.get("columns not read")
        return lines + ([f"columns not read: {', '.join(map(str, unread))}"] if isinstance(unread, list) else [])
