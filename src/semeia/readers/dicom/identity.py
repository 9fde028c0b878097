"""What headers say of persons and is left behind: one file a series is looked through; names of attributes come out.

Readers take an allow-list of attributes (`TAGS` of header.py) and see no other, so nothing has to be removed. This says
what was there, so that somebody can decide whether the export should have held it at all. It names attributes, never
their values. Text that is burned into pixels without being declared (BurnedInAnnotation) is not found here.
"""

from collections import Counter
from collections.abc import Iterable

from semeia.readers.dicom.header import TAGS, Header, quietly

PRIVATE = "private elements"
_PATIENT_GROUP = 0x0010


def left_behind(headers: Iterable[Header]) -> Counter[str]:
    """Count the headers that hold each attribute about the patient or another person that was not read.

    Args:
        headers: One of each series.

    Returns:
        Keywords of the standard, or "private elements", with how many headers hold a value.
    """
    found: Counter[str] = Counter()
    for header in headers:
        found.update(_attributes(header))
    return found


def _attributes(header: Header) -> set[str]:
    from pydicom import dcmread

    with quietly():
        elements = list(dcmread(header.path, stop_before_pixels=True, force=True))
    of_persons = {
        element.keyword
        for element in elements
        if (element.tag.group == _PATIENT_GROUP or element.VR == "PN") and element.keyword and not element.is_empty
    }
    private = {PRIVATE} if any(element.tag.is_private for element in elements) else set()
    return of_persons - set(TAGS.split()) | private
