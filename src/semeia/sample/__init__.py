"""The bundled real sample: out comes the path of a folder of CT nodules in the LIDC layout.

What it holds and under which licence: `lidc/README.md`. How it was chosen: `tools/make_sample.py` in the
repository.
"""

from importlib.resources import files
from pathlib import Path


def sample_folder() -> Path:
    """The sample's folder, for `semeia ingest nodules`: `nodules.csv` and a folder of crops per patient.

    The package is installed as plain files (never from inside a zip), so the resource is a real path.
    """
    return Path(str(files(__name__).joinpath("lidc")))
