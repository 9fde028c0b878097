"""Show how the run was made: versions, fingerprint, seeds, time, configuration; what the record lacks is left out."""

import json

from semeia.report.content import Section
from semeia.report.numbers import duration, memory
from semeia.report.run_folder import Run


def made_section(run: Run) -> Section | None:
    """Show the last section."""
    facts, config = facts_of(run), run.record.get("config")
    text = json.dumps(config, indent=2, ensure_ascii=False, default=str) if config else ""
    return Section("made", "How this was made", own=(facts, text)) if facts or text else None


def facts_of(run: Run) -> list[tuple[str, str]]:
    """Name and words of each fact that run.json holds."""
    record = run.record
    facts = [("Semeia", str(record.get("semeia_version") or ""))]
    versions = record.get("versions")
    if isinstance(versions, dict):
        facts.append(("Versions", ", ".join(f"{name} {version}" for name, version in versions.items())))
    facts.append(("Fingerprint of the archive", run.fingerprint))
    seeds = record.get("seeds")
    if isinstance(seeds, list):
        facts.append(("Seeds", ", ".join(str(seed) for seed in seeds)))
    for name, key, said in (("Time", "wall_seconds", duration), ("Peak memory", "peak_rss_mb", memory)):
        value = record.get(key)
        if isinstance(value, int | float):
            facts.append((name, said(value)))
    return [(name, words) for name, words in facts if words]
