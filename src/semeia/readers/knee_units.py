"""Which unit of an archive a row of another table is about: original ids and the key go in, a unit's id comes out.

Nothing original is kept: the ids are hashed under the archive's key as they were when the images came in.
"""

from dataclasses import dataclass
from pathlib import Path

from semeia.archive import Archive
from semeia.archive.keys import KEY_FILE, key_fingerprint, keyed, pseudonym, read_key
from semeia.errors import InputError
from semeia.readers.knees import knee_name


@dataclass(frozen=True)
class KneeUnits:
    """The units of an archive, to be found by what they were called before.

    Attributes:
        secret: the archive's pseudonym key.
        sites: all sites of its patients; None where a patient has none.
        subjects: subject_id of each unit.
        images: units by the hash at the end of their ids.
    """

    secret: bytes
    sites: tuple[str | None, ...]
    subjects: dict[str, int]
    images: dict[str, tuple[str, ...]]

    def of_knee(self, patient: str, side: str) -> tuple[str, ...]:
        """Units of a patient's left (L) or right (R) knee: none, one, or one a site."""
        name = keyed(self.secret, knee_name(patient, side))
        units = (f"{pseudonym(self.secret, patient, site=site)}/{name}" for site in self.sites)
        return tuple(unit for unit in units if unit in self.subjects)

    def of_image(self, image: str) -> tuple[str, ...]:
        """Units that are one image, by its path in the table they were read from: none, one, or one a patient."""
        names = (keyed(self.secret, image), keyed(self.secret, knee_name("", "U", image)))
        return tuple(unit for name in names for unit in self.images.get(name, ()))


def knee_units(archive: Archive, *, key: str | Path | None = None) -> KneeUnits:
    """The units of an archive, to be found by their original names.

    Args:
        archive: Made by `ingest_knees` or `ingest_images`.
        key: File with the pseudonym key, when the archive does not keep its own.

    Raises:
        InputError: There is no key, or it is not the archive's.
    """
    file = archive.path / KEY_FILE if key is None else Path(key)
    if key is None and not file.exists():
        raise InputError(f"{archive.path}: its pseudonym key is kept elsewhere; say where with key=FILE.")
    secret = read_key(file)
    if key_fingerprint(secret) != archive.key_fingerprint:
        raise InputError(f"{file}: not the key of {archive.path}; patients would not be recognised.")
    units = archive.table("units")
    images: dict[str, tuple[str, ...]] = {}
    for unit in units["unit_id"]:
        name = unit.rsplit("/", 1)[-1]
        images[name] = (*images.get(name, ()), unit)
    sites = archive.table("subjects")["site"].unique(maintain_order=True).to_list()
    return KneeUnits(secret, tuple(sites), dict(units.select("unit_id", "subject_id").iter_rows()), images)
