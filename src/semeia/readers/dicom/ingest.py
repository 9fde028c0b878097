"""Ingest a folder of DICOM files: every CT, MR and PET volume and every radiograph, with its date.

Files are found by their content and put together by geometry. Patients are known by their id in the headers, which is
hashed; names, numbers, file names and UIDs are kept nowhere.

An allow-list of attributes by SOP class (allowed.toml) is read and no other, so nothing has to be removed. What else
headers say of persons is counted by attribute, never shown, so that somebody can decide whether the export should have
held it at all. Text that is burned into pixels is looked for by the identity gate.
"""

import datetime as dt
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from semeia.archive import PRIVACY, Privacy, Summary, Writer, writing
from semeia.archive.atomic import naming
from semeia.errors import InputError
from semeia.processes import in_processes
from semeia.progress import each
from semeia.readers.dicom.header import TAGS, Header, quietly, read_header
from semeia.readers.dicom.series import Stack, stacks_of
from semeia.readers.dicom.volume import film_of, volume_of
from semeia.readers.images.image_file import Image, add_image
from semeia.readers.rows import folder_given

_CHUNK = 500  # files a call; fewer are not worth a process
_MOST_WORKERS = 4
PRIVATE = "private elements"
_PATIENT_GROUP = 0x0010
_KINDS = {"CT": "hu", "MR": "mri", "PT": "mri"}


def ingest_dicom(
    folder: str | Path,
    *,
    into: str | Path,
    site: str | None = None,
    key: str | Path | None = None,
    settings: Privacy = PRIVACY,
    workers: int | None = None,
) -> Summary:
    """Read the images of a folder of DICOM files into an archive.

    Each volume or radiograph belongs to its patient at the time of its acquisition, and the patient is the unit, at the
    time of the newest image. What is no such image, or cannot be put together without inventing anatomy, is left out
    and counted by reason; `semeia audit` lists it.

    Args:
        site: The hospital they come from. The same id at two sites is two patients.
        workers: Processes that read headers and decode; by default one a processor, at most 4.

    Raises:
        InputError: There is no image that can be read; names reasons and counts, never files or patients.
    """
    source = folder_given(folder)
    processes = processes_for(workers)
    index = index_folder(source, workers=processes)
    stacks, left_out = stacks_of(index.headers)
    left_out += index.left_out
    with writing(into, source="DICOM", key=key, privacy=settings) as draft:
        people = people_of(draft, stacks, site)
        owners = [people[stack.header.patient] for stack in stacks]
        newest = add_images(draft, stacks, owners, left_out=left_out, workers=processes)
        for subject_id, pseudonym in dict.fromkeys(owners):
            if subject_id in newest:
                draft.patient_unit(subject_id, pseudonym, time=newest[subject_id])
    return draft.summary


@dataclass(frozen=True)
class Index:
    """The images of a folder in the order of their paths, and how many files were left out, by why."""

    headers: tuple[Header, ...]
    left_out: Counter[str]


def index_folder(folder: Path, *, workers: int = 1) -> Index:
    """Read the header of every file in `folder` and below it, whatever their names, over processes where many."""
    from joblib import delayed

    with naming(folder, "read"):
        paths = sorted(Path(where, name) for where, _, names in os.walk(folder) for name in names)
    chunks = [paths[start : start + _CHUNK] for start in range(0, len(paths), _CHUNK)]
    calls = (delayed(read_headers)(chunk) for chunk in chunks)
    found = [answer for answers in in_processes(calls, workers=_at_most(workers, chunks)) for answer in answers]
    headers = tuple(answer for answer in found if isinstance(answer, Header))
    return Index(headers, Counter(answer for answer in found if isinstance(answer, str)))


def _at_most(workers: int, work: Sequence[object]) -> int:
    """As many processes as there are things to do; a process for a single one is not worth its start."""
    return min(workers, max(1, len(work)))


def read_headers(paths: Sequence[Path]) -> list[Header | str]:
    """Read several headers; see `read_header`."""
    return [read_header(path) for path in paths]


def processes_for(workers: int | None) -> int:
    """How many processes are meant: as asked, or one a processor."""
    return min(_MOST_WORKERS, os.cpu_count() or 1) if workers is None else workers


def people_of(draft: Writer, stacks: Sequence[Stack], site: str | None = None) -> dict[str, tuple[int, str]]:
    """Number the patients of stacks; a fact on which their headers differ is not taken, and that is counted."""
    people = {}
    for patient, members in groupby(stacks, key=lambda stack: stack.header.patient):
        headers = [one.header for stack in members for one in stack.slices]
        sexes, births = {h.sex for h in headers} - {None}, {h.birth for h in headers} - {None}
        for facts, what in ((sexes, "sexes"), (births, "dates of birth")):
            draft.count(f"patients have several {what} in their headers; none was taken", int(len(facts) > 1))
        sex = sexes.pop() if len(sexes) == 1 else None
        birth = births.pop() if len(births) == 1 else None
        people[patient] = draft.subject(patient, site=site, sex=sex, birth=birth)
    return people


def add_images(
    draft: Writer,
    stacks: Sequence[Stack],
    owners: Sequence[tuple[int, str]],
    *,
    left_out: Counter[str],
    workers: int,
    times: Mapping[str, dt.datetime] | None = None,
) -> dict[int, dt.datetime | None]:
    """Add the images of stacks to a draft, and put on record what was left out and what was assumed.

    Args:
        times: By series, where another table than the header says when.

    Returns:
        The time of the newest image by subject_id; None where no image of the patient has one.
    """
    from joblib import delayed

    newest: dict[int, dt.datetime | None] = {}
    remarks: Counter[str] = Counter()
    undated = 0
    images = in_processes((delayed(image_of)(stack) for stack in stacks), workers=_at_most(workers, stacks))
    for stack, image, (subject_id, _) in zip(each(stacks, "Decoding images"), images, owners, strict=True):
        if isinstance(image, str):
            left_out[image] += 1
            continue
        time = (times or {}).get(stack.header.series) or (stack.when[0] if stack.when else None)
        undated += time is None
        add_image(draft, image, unit_id=None, subject_id=subject_id, time=time)
        remarks.update(remark.what for remark in image.remarks)
        before = newest.get(subject_id)
        newest[subject_id] = max(before, time) if before and time else before or time
    if not newest:
        why = "; ".join(f"{number} {words}" for words, number in left_out.most_common())
        raise InputError(f"no image of the folder can be read ({why or 'it is empty'}).")
    draft.count("images have no date", undated)
    for keyword, number in sorted(left_behind(stack.header for stack in stacks).items()):
        draft.count(f"series hold {keyword} in their headers, which was not read", number)
    for words, number in sorted(remarks.items()):
        draft.count(words, number)
    for words, number in sorted(left_out.items()):
        draft.count(f"left out: {words}", number)
    return newest


def left_behind(headers: Iterable[Header]) -> Counter[str]:
    """Count the headers, one of each series, that hold each attribute about a person that was not read."""
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
    return of_persons - set(TAGS) | private


def image_of(stack: Stack) -> Image | str:
    """Decode one stack or radiograph, or say why it is no image."""
    try:
        if stack.header.is_film:
            return Image(film_of(stack), "picture", "dicom", None, ())
        volume = volume_of(stack)
    except InputError as refusal:
        return str(refusal)
    return Image(volume.array, _KINDS[stack.header.modality], "dicom", volume, volume.remarks)
