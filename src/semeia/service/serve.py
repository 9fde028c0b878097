"""Run the service until Ctrl-C."""

import socket
from pathlib import Path

from semeia.errors import InputError
from semeia.progress import say, warn
from semeia.service.app import make_app
from semeia.service.served import load_served

LOOPBACK = ("127.0.0.1", "localhost", "::1")
MOST_AT_ONCE = 32  # connections; more are told to come again (503)


def serve(
    run: Path,
    *,
    arm: str | None = None,
    mode: str | None = None,
    fraction: float | None = None,
    host: str = "127.0.0.1",
    port: int = 8000,
    accept: str = "",
) -> str:
    """Answer POST /predict and /embed, GET /health and /metrics with one model of a run.

    Args:
        run: a run folder, or one that `export` made.
        arm: which arm, where there are several.
        mode: how it met the labels.
        fraction: share of the labels.
        host: address to listen at. The service has no password and no encryption: beyond this machine put a proxy
            with both in front of it.
        port: of the address; 0 takes a free one, which is said.
        accept: why what the identity gate finds in DICOM files and records may pass, such as "markers of sides are
            burned in"; by default such a request is refused.

    Raises:
        InputError: no such model, or the address is taken or not this machine's.
    """
    import uvicorn

    served = load_served(run, arm=arm, mode=mode, fraction=fraction, accept=accept)
    hosts = LOOPBACK if host in LOOPBACK else ("*",)
    app = make_app(served, hosts=hosts)
    if not 0 <= port < 2**16:
        raise InputError(f"--port {port}: must be from 0 to 65535")
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listening = socket.create_server((host, port), family=family)
        # Connections inherit it: an answer's second packet does not wait 40 ms for the first to be acknowledged.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError as error:
        raise InputError(f"{host}:{port}: {error.strerror or error}; choose another --host or --port") from error
    if host not in LOOPBACK:
        warn(f"{host} is not this machine alone; there is no password and no encryption here: put a proxy before it")
    say(f"{served.choice} answers at http://{host}:{listening.getsockname()[1]} (Ctrl-C stops it)")
    config = uvicorn.Config(
        app,
        log_level="critical",  # a traceback may hold what a patient's file held
        access_log=False,
        limit_concurrency=MOST_AT_ONCE,
        timeout_graceful_shutdown=10,
        server_header=False,
    )
    with listening:
        uvicorn.Server(config).run(sockets=[listening])
    return "stopped"
