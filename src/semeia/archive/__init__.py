"""Keep one folder of tables, pixels and their provenance: readers fill it, everything else reads it.

| name | what it does |
|---|---|
| `open_archive` | an archive's tables, outcomes and pixels |
| `writing`, `Privacy` | add one part, through the identity gate: all of it or nothing |
| `audit` | what is in it, and what is suspicious about it, as tables and as text |
| `patient_folds`, `label_subset` | divide patients |
| `TABLES`, `check` | the tables as code |
"""

from semeia.archive.audit.audit import Audit, audit
from semeia.archive.audit.findings import Finding
from semeia.archive.gate import PRIVACY, Privacy
from semeia.archive.part.commit import writing
from semeia.archive.part.summary import Summary
from semeia.archive.part.writer import Writer
from semeia.archive.schema import OUTCOMES, TABLES, Column, Table, check
from semeia.archive.split import label_subset, patient_folds
from semeia.archive.store import Archive, open_archive

__all__ = [
    "OUTCOMES",
    "PRIVACY",
    "TABLES",
    "Archive",
    "Audit",
    "Column",
    "Finding",
    "Privacy",
    "Summary",
    "Table",
    "Writer",
    "audit",
    "check",
    "label_subset",
    "open_archive",
    "patient_folds",
    "writing",
]
