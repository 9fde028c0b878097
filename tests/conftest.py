"""What every test gets: one thread, no network, a headless matplotlib; and the full data where it is."""

import os
import socket
import sys
from pathlib import Path
from types import ModuleType

import pytest

# Before anything imports numpy or torch: the number of threads is read once, at import.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
os.environ.setdefault("MPLBACKEND", "Agg")

# Trains a study to its end, starts many processes, or waits: `make test-fast` leaves these out (`-m "not slow"`).
SLOW = (
    "archive/test_kills.py",
    "data/test_toy_modality.py",
    "docs/test_snippets.py",
    "learning/test_boosting.py",
    "learning/test_loop.py",
    "learning/test_weights.py",
    "studies/",
    "test_bad_input.py",
    "test_cli.py::test_from_a_folder_to_results",
    "test_cli_safety.py",
    "test_fuzz.py",
    "test_processes.py",
)

LOOPBACK = ("127.", "::1", "localhost")
NOWHERE = "http://127.0.0.1:9"  # the discard port: a proxy that answers nothing, for the commands tests start


def _refuse_outside(address: object) -> None:
    """Loopback and AF_UNIX stay open: multiprocessing talks over them."""
    host = address[0] if isinstance(address, tuple) else None
    if host is not None and not str(host).startswith(LOOPBACK):
        raise RuntimeError(f"A test tried to reach {host}: Semeia works without a network.")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is slow."""
    here = str(Path(__file__).parent)
    for item in items:
        name = f"{item.path.relative_to(here).as_posix()}::{item.name}"
        if name.startswith(SLOW):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that leaves the machine is an error; commands that tests start get a dead proxy."""

    def guarded(name: str):
        real = getattr(socket.socket, name)

        def call(self: socket.socket, *arguments: object):
            if self.family != getattr(socket, "AF_UNIX", None):
                _refuse_outside(arguments[-1])  # the address is the last argument of connect and of sendto
            return real(self, *arguments)

        return call

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, guarded(name))
    real_lookup = socket.getaddrinfo

    def lookup(host: str | bytes | None, *arguments: object, **options: object):
        _refuse_outside((host.decode() if isinstance(host, bytes) else host,))
        return real_lookup(host, *arguments, **options)  # pyright: ignore[reportArgumentType, reportCallIssue]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    for variable in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(variable, NOWHERE)
    monkeypatch.setenv("no_proxy", ",".join((*LOOPBACK[1:], "127.0.0.1")))


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """Torch on one thread, if a test file has imported it: tests of the tables never pay for the import."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.get_num_threads() != 1:
        torch.set_num_threads(1)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch):
    """A command `work RUN [--times N]` that calls the function it is given."""

    from semeia import cli

    def install(function, **row: object) -> None:
        module = ModuleType("made_up_commands")
        module.work = function  # pyright: ignore[reportAttributeAccessIssue]
        monkeypatch.setitem(sys.modules, "made_up_commands", module)
        command = cli.Command("Work.", "made_up_commands:work", "work here", **row)  # pyright: ignore[reportArgumentType]
        monkeypatch.setitem(cli.COMMANDS, "work", command)

    return install


@pytest.fixture(scope="session")
def lidc_full() -> Path:
    """The full LIDC folder, $SEMEIA_DATA/lidc; skips, with the reason, where it is not."""
    data = os.environ.get("SEMEIA_DATA")
    if data is None:
        pytest.skip("SEMEIA_DATA is not set: the full LIDC set is not at hand")
    folder = Path(data) / "lidc"
    assert (folder / "nodules.csv").is_file(), "SEMEIA_DATA is set, but holds no lidc/nodules.csv"
    return folder
