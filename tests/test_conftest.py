"""The guards of conftest.py hold: nothing leaves the machine, and what stays on it still works."""

import multiprocessing
import socket

import pytest


def test_outside_is_refused():
    with pytest.raises(RuntimeError, match="without a network"):
        socket.create_connection(("192.0.2.1", 80), timeout=1)  # TEST-NET-1: an address nobody has
    with pytest.raises(RuntimeError, match="without a network"):
        socket.getaddrinfo("example.org", 443)
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram,
        pytest.raises(RuntimeError, match="without a network"),
    ):
        datagram.sendto(b"", ("192.0.2.1", 9))


def test_loopback_and_processes_work():
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()

    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.map(abs, [-3]) == [3]
