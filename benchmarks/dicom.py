"""The claim: a DICOM series has the voxels that SimpleITK and MONAI give it, in less time than MONAI takes.

Prints the machine; then, taking turns in one process on one thread, the processor time of a series: indexing headers
and decoding with Semeia (which also decides what belongs together), SimpleITK's series reader (sorting by geometry
included), MONAI's `PydicomReader`, and pydicom in a bare loop that neither sorts nor scales. The series is simulated
noise, uncompressed or in JPEG 2000 or RLE; `--folder` takes a real one instead. Voxels of the first three are compared.

    python benchmarks/dicom.py
    python benchmarks/dicom.py --folder SERIES
"""

import argparse
import platform
import statistics
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from time import process_time

import numpy as np
import pydicom
import SimpleITK as Sitk
from monai.data.image_reader import PydicomReader
from pydicom.uid import JPEG2000Lossless, RLELossless
from shared.table import row
from shared.watch import processor

from semeia.readers.dicom.ingest import index_folder
from semeia.readers.dicom.series import stacks_of
from semeia.readers.dicom.volume import volume_of
from semeia.worlds.hospital import HospitalSettings
from semeia.worlds.hospital.course import course_of
from semeia.worlds.hospital.dicom_files import write_scan
from semeia.worlds.hospital.scan import SCANNERS

SIDE = 512


def semeia(folder: Path) -> np.ndarray:
    """Index, put together, decode: [x, y, z] in RAS."""
    (stack,), _ = stacks_of(index_folder(folder).headers)
    return volume_of(stack).array


def simpleitk(folder: Path) -> np.ndarray:
    """Sort by geometry and decode: turned to the same axes."""
    names = Sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder))
    return Sitk.GetArrayFromImage(Sitk.ReadImage(names)).transpose(2, 1, 0)[::-1, ::-1]


def monai(folder: Path) -> np.ndarray:
    """Read the folder as one series: turned to the same axes."""
    reader = PydicomReader()
    array, _ = reader.get_data(reader.read(folder))
    return array[::-1, ::-1]


def bare(folder: Path) -> np.ndarray:
    """Decode every file, in the order of their names, without a unit."""
    return np.stack([pydicom.dcmread(path).pixel_array for path in sorted(folder.iterdir())])


def compressed(folder: Path, syntax: str, into: Path) -> Path:
    """The same files in another transfer syntax."""
    into.mkdir()
    for path in folder.iterdir():
        header = pydicom.dcmread(path)
        header.compress(syntax, generate_instance_uid=False)
        header.save_as(into / path.name)
    return into


def simulated(folder: Path, slices: int) -> Path:
    """A series of noise over a smooth field, of the size of a chest CT cut short."""
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(0)
    field = gaussian_filter(rng.normal(0, 300, (slices, SIDE, SIDE)), (1, 3, 3)) * 10
    volume = np.clip(field + rng.normal(0, 15, field.shape) - 500, -1024, 3071).astype(np.int16)
    course = course_of(0, HospitalSettings(patients=1))
    write_scan(folder / "s", volume, course, number=0, when=course.index, scanner=SCANNERS[0], seed=0)
    return folder / "s"


def compare(name: str, folder: Path, *, turns: int) -> None:
    """Time the readers in turns, and hold their voxels against one another."""
    readers: dict[str, Callable[[Path], np.ndarray]] = {
        "semeia": semeia,
        "SimpleITK": simpleitk,
        "MONAI PydicomReader": monai,
        "pydicom, bare loop": bare,
    }
    found = {who: read(folder) for who, read in readers.items()}
    same = {who: np.array_equal(found[who], found["semeia"]) for who in ("SimpleITK", "MONAI PydicomReader")}
    times: dict[str, list[float]] = {who: [] for who in readers}
    for _ in range(turns):
        for who, read in readers.items():
            begun = process_time()
            read(folder)
            times[who].append(process_time() - begun)
    ours = statistics.median(times["semeia"])
    for who, taken in times.items():
        equal = {True: "  same voxels", False: "  OTHER VOXELS"}[same[who]] if who in same else ""
        median = statistics.median(taken)
        if who != "semeia":
            what = f"series of {len(list(folder.iterdir()))} slices, {name}"
            row(what, ours=1000 * ours, other=1000 * median, unit="ms of processor", against=who)
        print(f"{name:<14} {who:<20} {1000 * median:8.0f} ms   semeia takes {ours / median:5.2f} times that{equal}")


def main() -> None:
    """Print the machine and one line a reader and series."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="a real series")
    parser.add_argument("--slices", type=int, default=60, help="of the simulated series")
    parser.add_argument("--turns", type=int, default=5, help="readings by each; the median counts")
    given = parser.parse_args()
    warnings.filterwarnings("ignore")
    Sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    Sitk.ProcessObject.SetGlobalWarningDisplay(False)
    print(
        f"{processor()}; Python {platform.python_version()}, pydicom {pydicom.__version__}, "
        f"SimpleITK {Sitk.Version_VersionString()}"
    )
    with tempfile.TemporaryDirectory() as scratch:
        if given.folder:
            compare("given", given.folder, turns=given.turns)
            return
        raw = simulated(Path(scratch), given.slices)
        compare("uncompressed", raw, turns=given.turns)
        for syntax, name in ((JPEG2000Lossless, "JPEG 2000"), (RLELossless, "RLE")):
            compare(name, compressed(raw, syntax, Path(scratch) / name), turns=given.turns)


if __name__ == "__main__":
    main()
