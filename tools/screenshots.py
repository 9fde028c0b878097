"""Take the pictures of the README: the first screen of a report and of an atlas, in a headless browser.

    semeia demo --out runs/demo
    python tools/screenshots.py runs/demo/run/report.html docs/images/report.png
    python tools/screenshots.py signatures/atlas.html docs/images/atlas.png

The browser is Chromium or Chrome, wherever the PATH has it; nothing is fetched, as no page of Semeia asks for anything.
"""

import argparse
import shutil
import subprocess
import tempfile
from pathlib import Path

from PIL import Image

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
COLOURS = 64  # enough for text and bars, and a third of the bytes


def shoot(page: Path, picture: Path, *, width: int, height: int) -> None:
    """Write a PNG of the top of a page.

    Args:
        page: an HTML file.
        picture: to write.
        width: of the window, in pixels.
        height: of the window, in pixels.
    """
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        raise SystemExit(f"none of {', '.join(BROWSERS)} is on the PATH")
    if not page.is_file():
        raise SystemExit(f"{page}: no such page")
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder) / "raw.png"
        window = ["--hide-scrollbars", f"--window-size={width},{height}", f"--screenshot={raw}"]
        subprocess.run(
            [browser, "--headless", "--no-sandbox", "--disable-gpu", *window, page.resolve().as_uri()],
            check=True,
            capture_output=True,
        )
        with Image.open(raw) as shot:
            shot.convert("RGB").quantize(COLOURS).save(picture, optimize=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("page", type=Path)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--height", type=int, default=900)
    given = parser.parse_args()
    shoot(given.page, given.picture, width=given.width, height=given.height)
