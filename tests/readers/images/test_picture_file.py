"""Pictures keep their bits and colours; what is hidden stays hidden; Pillow's own reading is the reference."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from semeia.errors import InputError
from semeia.readers.images import picture_file
from semeia.readers.images.picture_file import picture_of

RNG = np.random.default_rng(0)
SIGNATURE = b"\x89PNG\r\n\x1a\n"


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _png(array: np.ndarray, colour: int, *, further: bytes = b"", sub: bool = False) -> bytes:
    """A PNG of 16 bits a channel, [rows, columns, channels]; with `sub`, each pixel less its left neighbour."""
    rows, columns, channels = array.shape
    lines = []
    for line in array.astype(">u2"):
        plain = np.frombuffer(line.tobytes(), np.uint8)
        left = np.concatenate([np.zeros(2 * channels, np.uint8), plain[: -2 * channels]])
        lines.append(b"\1" + (plain - left).tobytes() if sub else b"\0" + plain.tobytes())
    head = struct.pack(">2I5B", columns, rows, 16, colour, 0, 0, 0)
    return (
        SIGNATURE
        + _chunk(b"IHDR", head)
        + further
        + _chunk(b"IDAT", zlib.compress(b"".join(lines)))
        + _chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("sub", [False, True])
@pytest.mark.parametrize(("colour", "channels"), [(2, 3), (4, 2), (6, 4)])
def test_sixteen_bits_a_channel_are_kept(tmp_path: Path, colour: int, channels: int, sub: bool):
    array = RNG.integers(0, 65536, (6, 5, channels), dtype=np.uint16)
    if channels != 3:
        array[..., -1] = 65535
    (tmp_path / "p.png").write_bytes(_png(array, colour, sub=sub))
    picture = picture_of(tmp_path / "p.png")
    assert picture.array.dtype == np.uint16
    assert np.array_equal(picture.array, array[..., 0] if channels == 2 else array[..., :3])
    assert picture.remarks == ()


def test_gray_saved_as_sixteen_bit_colours_is_gray(tmp_path: Path):
    gray = RNG.integers(0, 4096, (6, 5), dtype=np.uint16)
    (tmp_path / "p.png").write_bytes(_png(np.stack([gray] * 3, -1), 2))
    assert np.array_equal(picture_of(tmp_path / "p.png").array, gray)


@pytest.mark.parametrize("mode", ["LA", "RGBA", "P", "L", "RGB"])
def test_what_is_transparent_is_black_and_said(tmp_path: Path, mode: str):
    """A burnt-in name may lie beneath: 200 is what is hidden, 100 and 101 what is shown."""
    shown = np.full((8, 8), 200, np.uint8)
    shown[2:6, 2:6] = 100
    alpha = np.where(shown == 200, 0, 255).astype(np.uint8)
    if mode in ("LA", "RGBA"):
        Image.merge(mode, [Image.fromarray(shown)] * (len(mode) - 1) + [Image.fromarray(alpha)]).save(
            tmp_path / "p.png"
        )
    else:
        hidden = (200,) * 3 if mode == "RGB" else 200
        picture = Image.fromarray(shown) if mode != "RGB" else Image.fromarray(np.stack([shown] * 3, -1))
        if mode == "P":
            picture = Image.fromarray(shown, "L")
            picture.putpalette([level for level in range(256) for _ in range(3)])
        picture.save(tmp_path / "p.png", transparency=hidden)
    picture = picture_of(tmp_path / "p.png")
    assert [remark.what for remark in picture.remarks] == [picture_file.CUT_AWAY]
    assert np.array_equal(picture.array, np.where(alpha, 100, 0))


@pytest.mark.parametrize("colour", [0, 2])
def test_a_transparent_level_of_sixteen_bits_is_black(tmp_path: Path, colour: int):
    channels = 3 if colour else 1
    array = np.full((4, 4, channels), 40_000, np.uint16)
    array[0] = 513
    key = _chunk(b"tRNS", struct.pack(f">{channels}H", *[40_000] * channels))
    (tmp_path / "p.png").write_bytes(_png(array, colour, further=key))
    expected = np.zeros((4, 4), np.uint16)
    expected[0] = 513
    assert np.array_equal(picture_of(tmp_path / "p.png").array, expected)


def test_half_transparent_is_half_as_bright(tmp_path: Path):
    array = np.dstack([np.full((4, 4), 60_000, np.uint16), np.full((4, 4), 32_768, np.uint16)])
    (tmp_path / "p.png").write_bytes(_png(array, 4))
    assert picture_of(tmp_path / "p.png").array == pytest.approx(np.full((4, 4), 30_000), abs=1)


def test_frames_are_not_dropped(tmp_path: Path):
    frames = [Image.fromarray(RNG.integers(0, 256, (8, 8), np.uint8)) for _ in range(3)]
    frames[0].save(tmp_path / "p.png", save_all=True, append_images=frames[1:])
    with pytest.raises(InputError, match=r"p.png: holds 3 frames; export one picture a file"):
        picture_of(tmp_path / "p.png")
    frames[0].save(tmp_path / "p.jpg", format="MPO", save_all=True, append_images=frames[1:])
    assert [remark.what for remark in picture_of(tmp_path / "p.jpg").remarks] == [picture_file.FURTHER]


def test_colours_that_differ_stay(tmp_path: Path):
    colours = RNG.integers(0, 256, (6, 5, 3), np.uint8)
    Image.fromarray(colours).save(tmp_path / "p.png")
    assert np.array_equal(picture_of(tmp_path / "p.png").array, colours)


def test_damaged_metadata_is_said_and_not_warned_of(tmp_path: Path):
    """Warnings are errors here; which way the picture was held is lost with its tag."""
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(RNG.integers(0, 255, (16, 8), np.uint8)).save(tmp_path / "p.jpg", exif=exif)
    content = (tmp_path / "p.jpg").read_bytes()
    tag = content.index(bytes([0x01, 0x12, 0, 3, 0, 0, 0, 1]))
    (tmp_path / "p.jpg").write_bytes(content[: tag + 4] + bytes([0x7F] * 4) + content[tag + 8 :])
    picture = picture_of(tmp_path / "p.jpg")
    assert picture.array.shape == (16, 8)
    assert [remark.what for remark in picture.remarks] == [picture_file.BAD_METADATA]


def test_a_palette_with_shades_of_opacity_is_no_damage(tmp_path: Path):
    palette = Image.fromarray(RNG.integers(0, 255, (8, 8), np.uint8)).convert("P")
    palette.save(tmp_path / "p.png", transparency=bytes([255] * 256))
    assert picture_of(tmp_path / "p.png").remarks == ()
