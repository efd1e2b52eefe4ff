"""A bitcoin node that lies: it answers as the real one does, but its blocks pay a thousandfold.

What a broken disk, a bug or a thief in the node could do. The block's hash and header are the real
ones; whoever checks transactions against them finds out, and whoever does not credits money.
"""

from __future__ import annotations

import base64
import json
import struct
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

_TIMES = 1000
_HEADER_BYTES = 80
_BODY_BYTES_MAX = 1 << 22
_TIMEOUT_SECONDS = 60


def inflated(raw: bytes, satoshi: int) -> bytes:
    """The block with the output of so many satoshi a thousand times as large."""
    amount = struct.pack("<q", satoshi)
    at = raw.find(amount, _HEADER_BYTES)
    if at < 0:
        return raw
    return raw[:at] + struct.pack("<q", satoshi * _TIMES) + raw[at + len(amount) :]


@contextmanager
def lying(node_url: str, satoshi: int) -> Iterator[tuple[str, list[str]]]:
    """Serve lies on a free port until the block ends: its address, and what it lied about."""
    told: list[str] = []

    class Liar(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = min(int(self.headers.get("content-length", 0)), _BODY_BYTES_MAX)
            asked = json.loads(self.rfile.read(length))
            status, answer = _ask(node_url, asked, self.path)
            body = json.dumps(_twisted(asked, answer, satoshi, told)).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            with suppress(BrokenPipeError, ConnectionResetError):  # The listener is restarted.
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Lies are told quietly."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Liar)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://liar:liar@127.0.0.1:{server.server_port}", told
    finally:
        server.shutdown()
        server.server_close()


def _ask(node_url: str, asked: Any, path: str) -> tuple[int, Any]:
    where = urlsplit(node_url)
    credentials = base64.b64encode(f"{where.username}:{where.password}".encode()).decode()
    request = urllib.request.Request(
        f"http://{where.hostname}:{where.port}{path}",
        data=json.dumps(asked).encode(),
        headers={"authorization": f"Basic {credentials}", "content-type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refusal:
        return refusal.code, json.load(refusal)


def _twisted(asked: Any, answer: Any, satoshi: int, told: list[str]) -> Any:
    """Blocks asked for as bytes, alone or in a batch."""
    questions, answers = (asked, answer) if isinstance(asked, list) else ([asked], [answer])
    by_id = {each.get("id"): each for each in answers}
    for question in questions:
        reply = by_id.get(question.get("id"))
        is_block = question["method"] == "getblock" and list(question["params"])[1:] == [0]
        if not is_block or reply is None or not reply.get("result"):
            continue
        raw = bytes.fromhex(reply["result"])
        lie = inflated(raw, satoshi)
        if lie != raw:
            reply["result"] = lie.hex()
            told.append(str(question["params"][0]))
    return answer
