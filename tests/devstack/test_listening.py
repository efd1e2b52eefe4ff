"""Containers must be reached from outside, everything else must not."""

from __future__ import annotations

import socket

import aiohttp
import pytest

from workers.health import Health, serve_health


def free_port(host: str) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2"])
async def test_health_is_served_where_the_variable_says(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if host != "127.0.0.1":  # The default: this machine only.
        monkeypatch.setenv("RIALTO_LISTEN_HOST", host)
    port = free_port(host)
    async with serve_health(Health(), port=port), aiohttp.ClientSession() as session:
        async with session.get(f"http://{host}:{port}/healthz") as answer:
            assert answer.status == 200
        other = {"127.0.0.1": "127.0.0.2", "127.0.0.2": "127.0.0.1"}[host]
        with pytest.raises(aiohttp.ClientConnectionError):
            await session.get(f"http://{other}:{port}/healthz")
