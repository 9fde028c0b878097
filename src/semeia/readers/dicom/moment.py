"""Read when an image was acquired: a moment without a zone, in UTC where the header has one."""

import datetime as dt
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydicom.dataset import Dataset


def moment_of(found: "Dataset") -> dt.datetime | None:
    """The moment of the acquisition, or else of the series, the content, the study; in UTC where a zone is given."""
    zone = str(found.get("TimezoneOffsetFromUTC") or "").strip()
    whole = str(found.get("AcquisitionDateTime") or "").strip()
    if whole and (moment := _moment(whole[:8], whole[8:21].split("+")[0].split("-")[0])):
        return _in_utc(moment, whole[-5:] if whole[-5:-4] in ("+", "-") else zone)
    for name in ("Acquisition", "Series", "Content", "Study"):
        moment = _moment(str(found.get(f"{name}Date") or ""), str(found.get(f"{name}Time") or ""))
        if moment is not None:
            return _in_utc(moment, zone)
    return None


def _in_utc(moment: dt.datetime, zone: str) -> dt.datetime:
    if len(zone) != 5 or zone[0] not in "+-" or not zone[1:].isdigit():
        return moment
    ahead = dt.timedelta(hours=int(zone[1:3]), minutes=int(zone[3:]))
    return moment - ahead if zone[0] == "+" else moment + ahead


def _moment(date: str, time: str) -> dt.datetime | None:
    """A DICOM date (20200131; 2020.01.31 in old files) and time (101530.25, cut short anywhere)."""
    day = date_of(date)
    if day is None:
        return None
    digits = time.strip().replace(":", "").partition(".")[0]
    clock = dt.time()
    with suppress(ValueError):
        hour, minute, second = (int(digits[place : place + 2] or 0) for place in (0, 2, 4))
        clock = dt.time(hour, minute, second)
    return dt.datetime.combine(day, clock)


def date_of(text: str) -> dt.date | None:
    """A date, where it is one and within belief."""
    digits = text.strip().replace(".", "")
    with suppress(ValueError):
        day = dt.datetime.strptime(digits, "%Y%m%d").date()
        return day if 1800 < day.year < 2300 else None
    return None
