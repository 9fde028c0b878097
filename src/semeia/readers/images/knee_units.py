"""Find the unit of an archive that a row of another table is about, by original ids and the key.

Nothing original is kept: the ids are hashed under the archive's key as they were when the images came in.
"""

from dataclasses import dataclass
from pathlib import Path

from semeia.archive import Archive
from semeia.archive.identity import canonical
from semeia.archive.keys import keyed
from semeia.archive.register import Register, register_of
from semeia.readers.images.knees import knee_name
from semeia.readers.images.listed import image_name


@dataclass(frozen=True)
class KneeUnits:
    """The units of an archive, to be found by what they were called before.

    Attributes:
        register: the archive's patients, by the hospital's own ids.
        subjects: subject_id of each unit.
        images: units by the hash at the end of their ids.
    """

    register: Register
    subjects: dict[str, int]
    images: dict[str, tuple[str, ...]]

    def of_knee(self, patient: str, side: str) -> tuple[str, ...]:
        """Units of a patient's left (L) or right (R) knee: none, one, or one a site."""
        secret = self.register.secret
        names = {keyed(secret, knee_name(form, side)) for form in (canonical(patient), patient)}
        patients = self.register.pseudonyms(patient)
        return tuple(unit for who in patients for name in names if (unit := f"{who}/{name}") in self.subjects)

    def of_image(self, image: str) -> tuple[str, ...]:
        """Units that are one image, by its path in the table they were read from: none, one, or one a patient."""
        forms = dict.fromkeys((image_name(image), image))
        spoken = [name for form in forms for name in (form, knee_name("", "U", form))]
        names = dict.fromkeys(keyed(self.register.secret, name) for name in spoken)
        return tuple(unit for name in names for unit in self.images.get(name, ()))


def knee_units(archive: Archive, *, key: str | Path | None = None) -> KneeUnits:
    """The units of an archive, to be found by their original names.

    Args:
        archive: Made by `ingest_knees` or `ingest_images`.
        key: File with the pseudonym key, when the archive does not keep its own.
    """
    register = register_of(archive, key=key)
    units = archive.table("units")
    images: dict[str, tuple[str, ...]] = {}
    for unit in units["unit_id"]:
        name = unit.rsplit("/", 1)[-1]
        images[name] = (*images.get(name, ()), unit)
    return KneeUnits(register, dict(units.select("unit_id", "subject_id").iter_rows()), images)
