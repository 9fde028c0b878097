"""Show what was pretrained on what: an entry an arm from run.json "pretraining", its verdict and diagnostics."""

from dataclasses import dataclass

from semeia.report.content import DataTable, Section, TitledTable
from semeia.report.names import Names
from semeia.report.numbers import duration, listed, number, span
from semeia.report.run_folder import Run

# What a diagnostic means; the first word of which a diagnostic's name has all parts explains it.
MEANINGS = {
    ("paired", "to", "shuffled"): "paired loss over shuffled loss; near 1 the prediction does not use the pairing",
    ("recognised", "chance"): "the same were the nearest look drawn by lot",
    ("recognised",): "share of looks whose nearest other look is at the same image, patients held out",
    ("watched",): "patients held out are too few for diagnostics: their images",
    ("drift",): "loss of the newest date from a predicted date before it, over that from the observed one",
    ("ratio",): "paired loss over shuffled loss; near 1 the prediction does not use the pairing",
    ("shuffled", "r2"): "the same with patients shuffled: what is found without any signal",
    ("r2",): "share of one modality's embedding told by the other, patients held out",
    ("shuffled",): "prediction loss when the targets are another patient's",
    ("paired",): "prediction loss with each patient's own targets",
    ("std", "min"): "spread of the narrowest dimension; near 0 it has collapsed",
    ("std",): "spread per dimension; near 0 the embedding has collapsed",
    ("rank",): "how many dimensions the centred embeddings use; alone it misleads",
    ("energy",): "share of the embedding that is the same for everyone; near 1 it has collapsed",
}


@dataclass(frozen=True)
class Pretrained:
    """One pretrained arm: facts as (name, words), verdicts as (seeds, words)."""

    title: str
    facts: list[tuple[str, str]]
    verdicts: list[tuple[str, str]]


def pretraining_section(run: Run) -> Section | None:
    """Show each pretrained arm with its verdict, then the diagnostics of all."""
    names = run.names
    records = run.records("pretraining")
    if not records:
        return None
    several = len({str(record.get("seed")) for record in records}) > 1
    spread = "Mean over seeds, with the smallest and the largest seed. " if several else ""
    note = f"{spread}The loss alone says little; read these together."
    table = diagnostics_table(names, records)
    tables = [TitledTable("Diagnostics of pretraining", note, table)] if table.rows else []
    return Section("pretraining", "What was pretrained on what", tables=tables, own=pretrained_arms(names, records))


def pretrained_arms(names: Names, records: list[dict[str, object]]) -> list[Pretrained]:
    """Return the arms in the order of the record, their seeds gathered."""
    arms = list(dict.fromkeys(str(r.get("arm", "unnamed")) for r in records))
    return [_arm(names, arm, [r for r in records if str(r.get("arm", "unnamed")) == arm]) for arm in arms]


def _arm(names: Names, arm: str, records: list[dict[str, object]]) -> Pretrained:
    seeds = [str(r["seed"]) for r in records if "seed" in r]
    modalities = records[0].get("modalities")
    facts = [
        ("Patients", _range(records, "patients")),
        ("Units", _range(records, "units")),
        ("Modalities", listed([str(m) for m in modalities]) if isinstance(modalities, list) else ""),
        ("Epochs", _range(records, "epochs")),
        ("Seeds", ", ".join(seeds)),
        ("Time", duration(sum(_numbers(records, "seconds"))) if _numbers(records, "seconds") else ""),
    ]
    verdicts: dict[str, list[str]] = {}
    for r in records:
        if r.get("verdict"):
            verdicts.setdefault(str(r["verdict"]), []).append(str(r.get("seed", "")))
    grouped = [(f"Seed{'s' if len(s) > 1 else ''} {listed(s)}" if any(s) else "", v) for v, s in verdicts.items()]
    shown = [(name, words) for name, words in facts if words]
    return Pretrained(names.arm(arm, "none"), shown, grouped)


def _numbers(records: list[dict[str, object]], key: str) -> list[float]:
    found = [r.get(key) for r in records]
    return [float(v) for v in found if isinstance(v, int | float) and not isinstance(v, bool)]


def _range(records: list[dict[str, object]], key: str) -> str:
    """One number when all seeds agree, else from the smallest to the largest."""
    found = _numbers(records, key)
    return span(found) + " by seed" * (len(set(found)) > 1) if found else ""


def diagnostics_table(names: Names, records: list[dict[str, object]]) -> DataTable:
    """Tabulate one row a diagnostic, one column an arm: the mean over seeds with the smallest and the largest."""
    arms = list(dict.fromkeys(str(r.get("arm", "unnamed")) for r in records))
    flat = {arm: [_flat(r.get("diagnostics")) for r in records if str(r.get("arm", "unnamed")) == arm] for arm in arms}
    diagnostics = list(dict.fromkeys(name for seeds in flat.values() for one in seeds for name in one))
    rows = [
        [
            name.replace("_", " "),
            *(_spread([one[name] for one in flat[arm] if name in one]) for arm in arms),
            next((words for parts, words in MEANINGS.items() if all(part in name.lower() for part in parts)), ""),
        ]
        for name in diagnostics
    ]
    return DataTable(["Diagnostic", *(names.arm(arm, "none") for arm in arms), "What it is"], rows)


def _spread(values: list[float]) -> str:
    if not values:
        return ""
    digits = 1 if max(abs(v) for v in values) >= 10 else 3
    mean = number(sum(values) / len(values), digits)
    return f"{mean} ({number(min(values), digits)} to {number(max(values), digits)})" if len(values) > 1 else mean


def _flat(value: object, prefix: str = "") -> dict[str, float]:
    if isinstance(value, dict):
        found: dict[str, float] = {}
        for key, inner in value.items():
            found |= _flat(inner, f"{prefix} {key}".strip())
        return found
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    return {prefix: float(str(value))} if plain and prefix else {}
