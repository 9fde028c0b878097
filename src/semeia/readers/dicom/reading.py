"""The images of an index, decoded one by one as they are asked for: stacks go in, images or why not come out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from semeia.errors import InputError
from semeia.processes import in_processes
from semeia.readers.dicom.series import Stack
from semeia.readers.dicom.volume import film_of, volume_of
from semeia.readers.images.image_file import Image

_KINDS = {"CT": "hu", "MR": "mri", "PT": "mri"}


@dataclass(frozen=True)
class Refused:
    """A stack that is no image, and why."""

    why: str


def images_of(stacks: Sequence[Stack], *, workers: int = 1) -> Iterator[Image | Refused]:
    """Decode stacks in their order, a few ahead where there are workers."""
    from joblib import delayed

    if workers == 1 or len(stacks) < 2:
        yield from map(image_of, stacks)
        return
    calls = (delayed(image_of)(stack) for stack in stacks)
    yield from in_processes(calls, workers=workers)


def image_of(stack: Stack) -> Image | Refused:
    """Decode one stack or radiograph."""
    try:
        if stack.header.is_film:
            return Image(film_of(stack), "picture", "dicom", None, ())
        volume = volume_of(stack)
    except InputError as refusal:
        return Refused(str(refusal))
    return Image(volume.array, _KINDS[stack.header.modality], "dicom", volume, volume.remarks)
