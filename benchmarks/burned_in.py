"""The claim: pictures with a line of text at the border are told from pictures without, in milliseconds each.

Prints, for each folder of pictures given (by default for made-up ones, of smooth noise), how many look as if text was
burned in; then the same after one line of text of 9, 12 or 16 pixels was drawn into a corner of each; and the processor
time a picture.

    python benchmarks/burned_in.py
    python benchmarks/burned_in.py knee/images glioma_mri/slices gi_hyperkvasir
"""

import argparse
import platform
import random
from pathlib import Path
from time import process_time

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import gaussian_filter
from shared.table import row
from shared.watch import processor

from semeia.archive.burned_in import text_places

LINES = ("DOE, JANE 1950-03-09", "ID 4711-9983", "Muster Anna 12.03.1961", "ACC 20938841")


def written(picture: np.ndarray, size: int, draw: random.Random) -> np.ndarray:
    """A picture with one line of text in a corner."""
    page = Image.fromarray(picture).convert("L")
    place = draw.choice((4, page.width - size * 8)), draw.choice((4, page.height - size * 2))
    font = ImageFont.load_default(size=size)
    ImageDraw.Draw(page).text(place, draw.choice(LINES), fill=draw.choice((235, 255)), font=font)
    return np.asarray(page)


def made_up(number: int) -> list[np.ndarray]:
    """Pictures of smooth noise."""
    rng = np.random.default_rng(0)
    fields = (gaussian_filter(rng.normal(size=(512, 512)), 8) for _ in range(number))
    return [np.interp(field, (field.min(), field.max()), (0, 255)).astype(np.uint8) for field in fields]


def read(folder: Path, most: int, draw: random.Random) -> list[np.ndarray]:
    """Some pictures of a folder, drawn by chance."""
    files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in (".png", ".jpg", ".jpeg"))
    return [np.asarray(Image.open(file)) for file in draw.sample(files, min(most, len(files)))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--most", type=int, default=400, help="pictures of each folder, drawn by chance")
    given = parser.parse_args()
    print(f"{processor()}, Python {platform.python_version()}, numpy {np.__version__}")
    print(
        "| folder | pictures | as they are | 9 px drawn | 12 px | 16 px | ms a picture |\n|---|---|---|---|---|---|---|"
    )
    for folder in given.folders or [None]:
        draw = random.Random(0)
        pictures = made_up(given.most) if folder is None else read(folder, given.most, draw)
        name = "made up, 512 x 512" if folder is None else folder.name
        begun = process_time()
        plain = sum(bool(text_places(picture)) for picture in pictures)
        took = (process_time() - begun) / len(pictures) * 1000
        drawn = [sum(bool(text_places(written(one, size, draw))) for one in pictures) for size in (9, 12, 16)]
        shares = " | ".join(f"{number / len(pictures):.1%}" for number in (plain, *drawn))
        row(f"looking for burned-in text, pictures {name}", ours=took, unit="ms of processor a picture")
        print(f"| {name} | {len(pictures)} | {shares} | {took:.1f} |")


if __name__ == "__main__":
    main()
