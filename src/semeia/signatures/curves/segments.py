"""Cut the record at the date: what each section sees of each channel.

A segment is the timed events of one subject in one channel. It is walked once, section by section in the order of time,
and an event is looked at only when a section's time has reached it: what lies in a section's future cannot change it.
"""

from typing import NamedTuple, no_type_check

import numpy as np
from jaxtyping import Float64, Int64

from semeia.compiled import compiled


class Seen(NamedTuple):
    """What every section sees of every channel; a knot is one step of a segment with its last value.

    Attributes:
        segment: segment of each pair of a section and a channel.
        section: section of each pair.
        first: first knot of each pair.
        last: last knot of each pair, included.
        value: value of the last knot at the section's time; later values of that step are not seen.
        knot_step: step of each knot.
        knot_value: the last value of each knot's step.
    """

    segment: Int64[np.ndarray, "pairs"]
    section: Int64[np.ndarray, "pairs"]
    first: Int64[np.ndarray, "pairs"]
    last: Int64[np.ndarray, "pairs"]
    value: Float64[np.ndarray, "pairs"]
    knot_step: Int64[np.ndarray, "knots"]
    knot_value: Float64[np.ndarray, "knots"]


def seen_by_sections(
    time: Int64[np.ndarray, "events"],
    step: Int64[np.ndarray, "events"],
    value: Float64[np.ndarray, "events"],
    segment_from: Int64[np.ndarray, "bounds"],
    subject_of: Int64[np.ndarray, "segments"],
    section_from: Int64[np.ndarray, "subject_bounds"],
    section_time: Int64[np.ndarray, "sections"],
) -> Seen:
    """Pairs of a section and a channel with at least one event at or before the section's time.

    Args:
        time: time of each event, rising within a segment (microseconds).
        step: step of each event.
        value: value of each event.
        segment_from: where each segment begins, and the end.
        subject_of: subject of each segment.
        section_from: where each subject's sections begin, and the end.
        section_time: time of each section, rising within a subject (microseconds).
    """
    most = int(np.diff(section_from)[subject_of].sum())
    return Seen(*_walk(time, step, value, segment_from, subject_of, section_from, section_time, most))


@compiled
@no_type_check
def _walk(time, step, value, segment_from, subject_of, section_from, section_time, most):
    segment_of, section_of = np.empty(most, np.int64), np.empty(most, np.int64)
    first, last, last_value = np.empty(most, np.int64), np.empty(most, np.int64), np.empty(most)
    knot_step, knot_value = np.empty(time.size, np.int64), np.empty(time.size)
    pairs = knots = 0
    for segment in range(subject_of.size):
        event, begin = segment_from[segment], knots
        subject = subject_of[segment]
        for section in range(section_from[subject], section_from[subject + 1]):
            while event < segment_from[segment + 1] and time[event] <= section_time[section]:
                if knots == begin or knot_step[knots - 1] != step[event]:
                    knot_step[knots] = step[event]
                    knots += 1
                knot_value[knots - 1] = value[event]
                event += 1
            if knots > begin:
                segment_of[pairs], section_of[pairs] = segment, section
                first[pairs], last[pairs] = begin, knots - 1
                last_value[pairs] = knot_value[knots - 1]
                pairs += 1
    return (
        segment_of[:pairs],
        section_of[:pairs],
        first[:pairs],
        last[:pairs],
        last_value[:pairs],
        knot_step[:knots],
        knot_value[:knots],
    )
