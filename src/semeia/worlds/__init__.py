"""Made-up truth, to show a mechanism at work: what comes from here is never a result about patients.

Every frame has a column `synthetic`, which is true; whatever shows its numbers must say so.

| name | what it makes up |
|---|---|
| `findings`, `impressions` | what a radiologist would find on arthritic knees, and write |
| `four_years_later`, `follow_up_rows` | grades at 48 months, as they are and in the OAI's columns |
| `follow_up_of`, `impressions_of` | the same for a folder of real radiographs, by a mechanism that shows in them |
"""

from semeia.worlds.knee_files import follow_up_of, impressions_of
from semeia.worlds.knee_follow_up import FollowUpSettings, follow_up_rows, four_years_later
from semeia.worlds.knee_reports import FindingSettings, findings, impressions

__all__ = [
    "FindingSettings",
    "FollowUpSettings",
    "findings",
    "follow_up_of",
    "follow_up_rows",
    "four_years_later",
    "impressions",
    "impressions_of",
]
