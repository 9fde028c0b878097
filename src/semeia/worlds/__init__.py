"""Made-up truth, to show a mechanism at work: what comes from here is never a result about patients.

Every frame has a column `synthetic`, which is true; whatever shows these numbers must say so.

| name | what it makes up |
|---|---|
| `findings`, `impressions` | what a radiologist would find on arthritic knees, and write |
| `four_years_later`, `follow_up_rows` | grades at 48 months, as they are and in the OAI's columns |
| `follow_up_of`, `impressions_of` | the same for a folder of real radiographs, by a mechanism that shows in them |
| `draw_patients`, `draw_latents` | patients with features of an image and of a record, and the causes of both |
| `draw_visits`, `as_dataset` | the same patients as they come again, and what models read of that |
"""

from semeia.worlds.causes import draw_latents
from semeia.worlds.knee_files import follow_up_of, impressions_of
from semeia.worlds.knee_follow_up import FollowUpSettings, follow_up_rows, four_years_later
from semeia.worlds.knee_reports import FindingSettings, findings, impressions
from semeia.worlds.observe import Missing, Patients, draw_patients
from semeia.worlds.visits import Course, Visits, as_dataset, draw_visits
from semeia.worlds.world import Site, WorldSettings

__all__ = [
    "Course",
    "FindingSettings",
    "FollowUpSettings",
    "Missing",
    "Patients",
    "Site",
    "Visits",
    "WorldSettings",
    "as_dataset",
    "draw_latents",
    "draw_patients",
    "draw_visits",
    "findings",
    "follow_up_of",
    "follow_up_rows",
    "four_years_later",
    "impressions",
    "impressions_of",
]
