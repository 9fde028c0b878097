"""Make up the tables that a user would bring beside a folder of real knee radiographs, with original ids, to be read
like the user's own.

What worsens a knee in this world shows in its picture as fine texture (`texture`), which is no grade: a model can learn
to see it from pictures alone, and from impressions that mention an effusion, which the same hidden rate makes likelier.
"""

from pathlib import Path

import numpy as np
import polars as pl
from jaxtyping import Float

from semeia.data.pictures import PictureSettings, planes_of
from semeia.readers.images.knees import side_of
from semeia.readers.images.picture_file import read_picture
from semeia.readers.rows import folder_given, read_rows
from semeia.worlds.knee_follow_up import FollowUpSettings, follow_up_rows
from semeia.worlds.knee_reports import FindingSettings, findings, impressions

SIZE = (64, 112)
SEEN = PictureSettings(fit="cover", levels="picture", bright_middle=True)


def follow_up_of(folder: Path, *, seed: int = 0) -> pl.DataFrame:
    """Simulated four-year readings of a folder's knees, in the OAI's columns; `synthetic` is true in every row.

    Args:
        folder: as for `ingest_knees`; knees without a side or a grade are left out.
        seed: of the course.
    """
    return follow_up_rows(scored_knees(folder), seed=seed, settings=FollowUpSettings())


def impressions_of(folder: Path, *, seed: int = 0) -> pl.DataFrame:
    """Simulated impressions of a folder's osteoarthritic knees: patient_id, side, text, synthetic.

    Args:
        folder: as for `ingest_knees`; knees without a side or a grade are left out.
        seed: of the findings.
    """
    knees = scored_knees(folder).with_columns(unit_id=pl.col("patient_id") + pl.col("side"))
    written = impressions(findings(knees, seed=seed, settings=FindingSettings()))
    return written.join(knees, on="unit_id", maintain_order="left").select("patient_id", "side", "text", "synthetic")


def scored_knees(folder: Path) -> pl.DataFrame:
    """patient_id, side, grade and score (texture by rank, mean 0, sd 1) of the knees that have a side and a grade."""
    source = folder_given(folder)
    rows = []
    for row in read_rows(source / "labels.csv", required=("image", "patient_id", "side", "grade")):
        grade, side = row.number_or_none("grade"), side_of(row)
        if grade is not None and side != "U":
            image = source / "images" / row.text("image")
            rows.append((row.text("patient_id"), side, int(grade), texture(read_picture(image, name="a picture"))))
    schema = {"patient_id": pl.String(), "side": pl.String(), "grade": pl.Int64(), "texture": pl.Float64()}
    knees = pl.DataFrame(rows, schema=schema, orient="row")
    return knees.with_columns(score=pl.Series(normal_scores(knees["texture"].to_numpy()))).drop("texture")


def texture(picture: np.ndarray) -> float:
    """Mean absolute difference of neighbouring pixels in the bone below the joint (the lower third of the band),
    divided by the spread of its brightness."""
    plane = planes_of(picture, size=SIZE, settings=SEEN)[0]
    bone = plane[2 * SIZE[0] // 3 :, SIZE[1] // 4 : 3 * SIZE[1] // 4]
    return float(np.abs(np.diff(bone, axis=1)).mean() / (bone.std() + 0.02))


def normal_scores(values: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """The values by rank, as quantiles of the normal distribution; ties go by place."""
    from scipy.stats import norm

    place = np.argsort(np.argsort(values, kind="stable"), kind="stable")
    return np.asarray(norm.ppf((place + 0.5) / len(values)))
