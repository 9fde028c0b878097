"""Turn a patient id into a pseudonym: a short hash under a secret key.

Without the key nobody can test whether a known id is in the archive; the original id is stored nowhere.
"""

import hashlib
import hmac
import os
import secrets
import stat
from pathlib import Path

from semeia.archive.identity import spelling
from semeia.archive.small_file import read_small
from semeia.errors import InputError

KEY_FILE = "pseudonym.key"  # where archives of older versions keep theirs
_LEAST_BYTES = 32
_HEX_DIGITS = 12
PSEUDONYM = f"^p[0-9a-f]{{{_HEX_DIGITS}}}$"  # what `pseudonym` gives
_SHARED = ("archive.json", "run.json")  # what marks a folder that is given to others
MARK_DIGITS = 16


def new_key() -> bytes:
    """32 bytes nobody can guess."""
    return secrets.token_bytes(_LEAST_BYTES)


def own_key(archive: Path) -> Path:
    """Where an archive's own key lies: beside its folder, so that it does not travel with it."""
    within, whole = archive / KEY_FILE, archive.absolute()
    return within if within.exists() else whole.with_name(f"{whole.name}.key")


def key_given(path: str | Path) -> bytes:
    """The key in a file that the user keeps, which must be away from what is shared."""
    around = [folder for folder in Path(path).absolute().parents for name in _SHARED if (folder / name).is_file()]
    if around:
        raise InputError(f"{path}: lies in {around[0].name}, and would be shared with it; keep the key elsewhere.")
    return read_key(path)


def read_key(path: str | Path) -> bytes:
    """The key in a file of hex digits, which only its owner may read."""
    if not Path(path).exists():
        raise InputError(
            f"{path}: no such key; leave --key out and a new archive makes its own, or make one: "
            f"(umask 077; openssl rand -hex {_LEAST_BYTES} > FILE)."
        )
    content = read_small(path, most=64 * 1024)
    try:
        key = bytes.fromhex(content.decode("ascii").strip())
    except ValueError:
        key = b""
    if len(key) < _LEAST_BYTES:
        raise InputError(f"{path}: not a key; it must hold {_LEAST_BYTES} random bytes in hex.")
    if os.name == "posix" and stat.S_IMODE(Path(path).stat().st_mode) & 0o077:
        raise InputError(f"{path}: others than its owner may read the key; `chmod 600` it.")
    return key


def key_fingerprint(key: bytes) -> str:
    """A public name of the key, to tell whether two archives share it."""
    return hmac.new(key, b"fingerprint", hashlib.sha256).hexdigest()[:16]


def pseudonym(key: bytes, original: str, *, site: str | None = None) -> str:
    """The stand-in for patient `original` of `site`: "p" and 12 hex digits of HMAC-SHA256."""
    return "p" + keyed(key, f"{site or ''}\x1f{original}")


def spelling_hash(key: bytes, original: str) -> str:
    """A keyed hash of an id without its case, spaces and leading zeros: finds near spellings, of whatever site."""
    return keyed(key, f"spelling\x1f{spelling(original)}")


def keyed(key: bytes, text: str) -> str:
    """12 hex digits that stand for `text`, for names that may carry a patient id (file names, say)."""
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()[:_HEX_DIGITS]


def mark(name: str) -> str:
    """The head of a pseudonym's SHA-256: recognises a patient in a model's list without listing the pseudonym."""
    return hashlib.sha256(name.encode()).hexdigest()[:MARK_DIGITS]
