"""Made-up truth, to show a mechanism at work: what comes from here is never a result about patients.

Every frame has a column `synthetic`, which is true; whatever shows its numbers must say so.

| name | what it makes up |
|---|---|
| `findings`, `impressions` | what a radiologist would find on arthritic knees, and write |
| `four_years_later`, `follow_up_rows` | grades at 48 months, as they are and in the OAI's columns |
"""

from semeia.worlds.knee_follow_up import FollowUpSettings, follow_up_rows, four_years_later
from semeia.worlds.knee_reports import FindingSettings, findings, impressions

__all__ = [
    "FindingSettings",
    "FollowUpSettings",
    "findings",
    "follow_up_rows",
    "four_years_later",
    "impressions",
]
