"""Find an archive's patients by the hospital's own ids: an id and the key give a pseudonym, and nothing else does.

Every table of a user names patients by these ids. The numbers that an archive gives its patients are its own business:
they mean nothing outside it, and a small hospital's ids look just like them.
"""

from dataclasses import dataclass
from pathlib import Path

from semeia.archive.gate import days_of
from semeia.archive.identity import canonical
from semeia.archive.keys import key_fingerprint, key_given, own_key, pseudonym, read_key
from semeia.archive.store import Archive
from semeia.errors import InputError


@dataclass(frozen=True)
class Register:
    """The patients of an archive, to be found by their ids.

    Attributes:
        sites: All sites of its patients; None where a patient has none.
    """

    secret: bytes
    sites: tuple[str | None, ...]
    numbers: dict[str, int]

    moves: bool = False

    @property
    def days(self) -> dict[int, int]:
        """By how many days the dates of each patient (subject_id) were moved; empty where they are as given."""
        return {number: days_of(self.secret, name) for name, number in self.numbers.items()} if self.moves else {}

    def pseudonyms(self, original: str, *, site: str | None = None) -> tuple[str, ...]:
        """The patients with an id, at one site where it is given: none, one, or one a site.

        An id is also looked for as it is written, since archives of older versions hashed it so.
        """
        forms = dict.fromkeys((canonical(original), original))
        sites = self.sites if site is None else (canonical(site), site)
        hashed = (pseudonym(self.secret, form, site=place) for form in forms for place in dict.fromkeys(sites))
        return tuple(dict.fromkeys(name for name in hashed if name in self.numbers))


def secret_of(archive: Archive, key: str | Path | None) -> bytes:
    """The pseudonym key of an archive: its own, or the file that is named."""
    file = own_key(archive.path) if key is None else Path(key)
    if key is None and not file.exists():
        raise InputError(
            f"{archive.path}: patients are found by the hospital's own ids through the pseudonym key, and this "
            "archive's key is kept elsewhere; say where with key=FILE."
        )
    secret = read_key(file) if key is None else key_given(file)
    if key_fingerprint(secret) != archive.key_fingerprint:
        raise InputError(f"{file}: not the key of {archive.path}; patients would not be recognised.")
    return secret


def register_of(archive: Archive, *, key: str | Path | None = None) -> Register:
    """Open the register of an archive's patients; `key` is a file, when the archive does not keep its own.

    Raises:
        InputError: There is no key, or it is not the archive's.
    """
    people = archive.table("subjects")
    sites = people["site"].unique(maintain_order=True).to_list()
    numbers = dict(people.select("pseudonym", "subject_id").iter_rows())
    return Register(secret_of(archive, key), tuple(sites), numbers, moves=archive.identity.get("dates") == "moved")
