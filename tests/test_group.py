import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np

from planted_sources import planted
from semeia.group import add_up, own_share, process_of
from semeia.signatures.ica.blocks import open_samples
from semeia.signatures.ica.settings import IcaSettings
from semeia.signatures.ica.solvers import separate

FIT = """
import sys
from datetime import timedelta
from pathlib import Path
import numpy as np
from torch import distributed
from semeia.signatures.ica.blocks import open_samples
from semeia.signatures.ica.settings import IcaSettings
from semeia.group import process_of
from semeia.signatures.ica.solvers import separate

folder = Path(sys.argv[1])
distributed.init_process_group("gloo", timeout=timedelta(seconds=60))
settings = IcaSettings(dtype="float64", threads=1, block=300)
found = separate(open_samples(folder / "rows.npy"), settings, components=5, scratch=folder)
rank, processes = process_of()
np.savez(folder / f"{rank}_of_{processes}.npz", mixing=found.components.mixing, iterations=found.unmixing.iterations)
distributed.destroy_process_group()
"""


def test_two_processes_find_what_one_finds(tmp_path: Path):
    np.save(tmp_path / "rows.npy", planted(4000, sources=5, channels=8)[0])
    settings = IcaSettings(dtype="float64", threads=1, block=300)
    alone = separate(open_samples(tmp_path / "rows.npy"), settings, components=5)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    group = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": "2", "OMP_NUM_THREADS": "1"}
    running = [
        subprocess.Popen([sys.executable, "-c", FIT, str(tmp_path)], env={**os.environ, **group, "RANK": str(rank)})
        for rank in range(2)
    ]

    assert [process.wait(timeout=120) for process in running] == [0, 0]
    first, second = (np.load(tmp_path / f"{rank}_of_2.npz", allow_pickle=False) for rank in range(2))
    np.testing.assert_array_equal(first["mixing"], second["mixing"])
    assert first["iterations"] == alone.unmixing.iterations
    np.testing.assert_allclose(first["mixing"], alone.components.mixing, atol=1e-9)
    assert not (tmp_path / "white.npy").exists()


def test_without_a_group_one_process_does_everything():
    values = np.arange(3.0)
    add_up(values)

    assert process_of() == (0, 1)
    assert list(own_share(range(4))) == [0, 1, 2, 3]
    np.testing.assert_array_equal(values, np.arange(3.0))
