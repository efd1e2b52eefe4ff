"""Questions that only a working server answers. Each raises `Unhealthy` until it does."""

from __future__ import annotations

import base64
import http.client
import json
import socket
from collections.abc import Mapping
from typing import Any

TIMEOUT_SECONDS = 2.0


class Unhealthy(Exception):
    """The part does not answer, or answers that it is not ready."""


def http_json(
    port: int,
    path: str,
    *,
    method: str = "GET",
    body: object = None,
    basic: str | None = None,
    extra_headers: Mapping[str, str] | None = None,
) -> Any:
    """Ask a server on this machine; anything but a 2xx answer with JSON is `Unhealthy`."""
    headers = {"Content-Type": "application/json", **(extra_headers or {})}
    if basic is not None:
        headers["Authorization"] = "Basic " + base64.b64encode(basic.encode()).decode()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        response = connection.getresponse()
        text = response.read()
    except (OSError, http.client.HTTPException) as problem:
        raise Unhealthy(f"no answer on port {port}: {problem}") from problem
    finally:
        connection.close()
    if not 200 <= response.status < 300:
        raise Unhealthy(
            f"port {port} answers {response.status}: {text[:200].decode(errors='replace')}"
        )
    try:
        return json.loads(text) if text else {}
    except ValueError as problem:
        raise Unhealthy(f"port {port} answers something that is not JSON") from problem


def json_rpc(port: int, method: str, *params: object, basic: str | None = None) -> Any:
    request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    answer = http_json(port, "/", method="POST", body=request, basic=basic)
    if answer.get("error"):
        raise Unhealthy(f"{method}: {answer['error']}")
    return answer["result"]


def valkey_ping(port: int) -> None:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_SECONDS) as connection:
            connection.sendall(b"PING\r\n")
            answer = connection.recv(64)
    except OSError as problem:
        raise Unhealthy(f"no answer on port {port}: {problem}") from problem
    if not answer.startswith(b"+PONG"):
        raise Unhealthy(f"port {port} answers {answer!r}")


def port_is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
