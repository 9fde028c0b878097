"""Pseudonyms depend on the key, the site and the id, and a key file is checked."""

from pathlib import Path

import pytest

from semeia.archive.keys import key_fingerprint, new_key, pseudonym, read_key
from semeia.errors import InputError


def test_pseudonyms_differ_by_key_site_and_id():
    key, other = bytes(32), bytes([1]) * 32
    names = {
        pseudonym(key, "1"),
        pseudonym(other, "1"),
        pseudonym(key, "2"),
        pseudonym(key, "1", site="north"),
    }
    assert len(names) == 4
    assert all(len(name) == 13 and name.startswith("p") for name in names)
    assert pseudonym(key, "21", site="x") != pseudonym(key, "1", site="x2")


def test_a_key_file_is_read_and_its_fingerprint_does_not_hold_it(tmp_path: Path):
    key = new_key()
    (tmp_path / "key").write_text(key.hex() + "\n")
    (tmp_path / "key").chmod(0o600)
    assert read_key(tmp_path / "key") == key
    assert key_fingerprint(key) not in key.hex()


@pytest.mark.parametrize("content", ["", "secret", "ab" * 31, "ä" * 64])
def test_a_weak_key_is_refused(tmp_path: Path, content: str):
    (tmp_path / "key").write_text(content)
    with pytest.raises(InputError, match="key: not a key"):
        read_key(tmp_path / "key")


def test_an_absent_key_is_named_and_how_to_make_one(tmp_path: Path):
    with pytest.raises(InputError, match=r"absent: no such key; .* openssl rand -hex 32 > FILE"):
        read_key(tmp_path / "absent")
