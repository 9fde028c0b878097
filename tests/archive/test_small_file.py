"""Small files are read with bounds: of size, of depth, of what a few bytes may stand for."""

import os
from pathlib import Path

import pytest

from semeia.archive.keys import read_key
from semeia.archive.small_file import (
    parse_yaml,
    read_json,
    read_object,
    read_small,
    read_text,
    require_regular,
)
from semeia.errors import InputError


def test_what_is_there_comes_back(tmp_path: Path):
    (tmp_path / "a.json").write_bytes(b'\xef\xbb\xbf{"\xc3\xa4": [1, null]}')  # with a byte order mark
    assert read_object(tmp_path / "a.json") == {"ä": [1, None]}
    assert read_small(tmp_path / "a.json", most=1024).startswith(b"\xef")
    (tmp_path / "link").symlink_to(tmp_path / "a.json")
    assert read_json(tmp_path / "link") == {"ä": [1, None]}


@pytest.mark.parametrize("read", [read_small, read_text, read_json, read_object, read_key, require_regular])
def test_devices_pipes_folders_and_nothing_are_refused_at_once(tmp_path: Path, read):
    os.mkfifo(tmp_path / "pipe")
    for path, words in (
        (Path("/dev/zero"), "is a device or a pipe, not a file"),
        (tmp_path / "pipe", "is a device or a pipe, not a file"),
        (tmp_path, "is a folder, not a file"),
        (tmp_path / "absent", "no such key" if read is read_key else "cannot be read: No such file or directory"),
    ):
        with pytest.raises(InputError, match=words) as refused:
            read(path)
        assert str(path) in str(refused.value)


def test_a_file_that_is_too_large_is_refused_before_it_is_read(tmp_path: Path):
    with (tmp_path / "large").open("wb") as handle:
        handle.truncate(2**40)  # takes no room on the disk
    with pytest.raises(InputError, match="large: is larger than 64 MB"):
        read_json(tmp_path / "large")
    with pytest.raises(InputError, match="large: is larger than 64 KB"):
        read_key(tmp_path / "large")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "not readable as JSON .line 1."),
        ("", "not readable as JSON"),
        ("[" * 100_000, "nested more than 100 levels"),
        ("[" * 101 + "]" * 101, "nested more than 100 levels"),
        ('{"a":' * 150 + "1" + "}" * 150, "nested more than 100 levels"),
        ("9" * 5000, "not readable as JSON"),
        ("null", "holds no JSON object"),
        ("[]", "holds no JSON object"),
    ],
)
def test_json_that_is_none_or_no_object(tmp_path: Path, content: str, words: str):
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(InputError, match=words):
        read_object(tmp_path / "a.json")


def test_text_in_another_encoding_is_named(tmp_path: Path):
    (tmp_path / "a.json").write_bytes('{"ä": 1}'.encode("utf-16"))
    with pytest.raises(InputError, match=r"a\.json: is not text in UTF-8"):
        read_object(tmp_path / "a.json")


LAUGHS = "a0: &a0 lol\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10))


def test_yaml_is_read_without_what_stands_for_more():
    assert parse_yaml("a: [1, x]\nb: {c: 2.5}", where="m.yaml") == {"a": [1, "x"], "b": {"c": 2.5}}
    with pytest.raises(InputError, match=r"m\.yaml, line 2: aliases"):
        parse_yaml(LAUGHS, where="m.yaml")
    for text, words in (
        ("[" * 500, "nested more than 100"),
        ("a: [", "is not YAML"),
        ("!!python/name:os.system x", "is not YAML"),
    ):
        with pytest.raises(InputError, match=words):
            parse_yaml(text, where="m.yaml")
