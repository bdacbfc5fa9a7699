from __future__ import annotations

import socket

import pytest

from gateway.supervisor import sockets


def test_several_processes_may_listen_on_one_port() -> None:
    with sockets.listen("127.0.0.1", 0, name="mx") as first:
        port = first.getsockname()[1]
        with sockets.listen("127.0.0.1", port, name="mx") as second:
            assert second.getsockname()[1] == port
            assert not second.getblocking()


def test_a_port_of_somebody_else_is_named_with_its_variable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert not sockets.is_free("127.0.0.1", port)
        with pytest.raises(sockets.PortTaken, match=rf"127\.0\.0\.1:{port} \(mx\).*POSTERN_MX_PORT"):
            sockets.listen("127.0.0.1", port, name="mx")
    assert sockets.is_free("127.0.0.1", port)


def test_a_port_of_another_gateway_of_ours_is_taken_too() -> None:
    with sockets.listen("127.0.0.1", 0, name="mx") as ours:
        assert not sockets.is_free("127.0.0.1", ours.getsockname()[1])


def test_a_role_finds_its_doors_again(monkeypatch: pytest.MonkeyPatch) -> None:
    listeners = {name: sockets.listen("127.0.0.1", 0, name=name) for name in ("mx", "submission")}
    ports = {name: listener.getsockname()[1] for name, listener in listeners.items()}
    for name, value in sockets.to_environment(listeners).items():
        monkeypatch.setenv(name, value)
    for listener in listeners.values():
        listener.detach()  # as after exec: only the number is left
    found = sockets.inherited()
    assert {name: listener.getsockname()[1] for name, listener in found.items()} == ports
    for listener in found.values():
        listener.close()
    assert sockets.inherited() == {}, "grandchildren get none"


def test_ipv6() -> None:
    if not socket.has_ipv6:
        pytest.skip("this Python has no IPv6")
    try:
        listener = sockets.listen("::1", 0, name="mx")
    except sockets.PortTaken:
        pytest.skip("this machine has no IPv6 loopback")
    with listener:
        assert listener.family == socket.AF_INET6
