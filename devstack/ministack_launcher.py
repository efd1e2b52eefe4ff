"""Starts ministack 1.5.33 with corrections, in a virtual environment of its own.

Run as a script by that environment's Python, so it imports nothing of Rialto. Each correction
reaches into private names: the version is pinned, and tests/devstack holds a test for each.

1. DynamoDB arithmetic has 38 digits, as in AWS; Python's default of 28 rounds large amounts.
2. The de-duplication ids of a FIFO queue are pruned once a second, not at every send.
3. A waiting receive wakes when something was sent, instead of looking every 100 ms.
4. What was answered survives kill -9: keys and secrets are on disk before the answer is given,
   changes to tables are written ahead to a log, and the rest is saved at an interval. Tables are
   saved when that log is long, at the start and at a clean stop, for meanwhile nobody is answered.
5. Saving is ten times quicker: by the encoder in C, and without a copy that nobody else can see.
"""

from __future__ import annotations

import asyncio
import base64
import decimal
import json
import logging
import os
import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from pathlib import Path
from typing import Any, TextIO

# Must stand before ministack makes its own contexts from the default.
decimal.DefaultContext.prec = 38
decimal.DefaultContext.traps[decimal.Inexact] = False
decimal.setcontext(decimal.DefaultContext.copy())

from ministack import app as gateway  # noqa: E402
from ministack.core import persistence, responses  # noqa: E402
from ministack.services import dynamodb, kms, secretsmanager, sqs  # noqa: E402

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Answer = tuple[int, dict[str, str], Any]

SAVE_SECONDS = float(os.environ.get("RIALTO_SAVE_SECONDS", "5"))
TABLE_LOG = Path(persistence.STATE_DIR) / "dynamodb.ahead.jsonl"
TABLE_LOG_BYTES = int(os.environ.get("RIALTO_TABLE_LOG_BYTES", "32000000"))
"""Replaying so much after a kill takes some seconds."""
TABLES = Path(persistence.STATE_DIR) / "dynamodb.json"

READ_ONLY = (
    *("Get", "BatchGet", "TransactGet", "Query", "Scan", "Describe", "List"),
    *("Encrypt", "Decrypt", "Generate", "Sign", "Verify"),
)

logger = logging.getLogger("rialto.ministack")


def prune_once_a_second() -> None:
    prune = sqs._prune_dedup
    pruned_at: dict[int, float] = {}

    def prune_rarely(queue: dict[str, Any]) -> None:
        now = time.monotonic()
        if now - pruned_at.get(id(queue), 0.0) >= 1.0:
            pruned_at[id(queue)] = now
            prune(queue)

    sqs._prune_dedup = prune_rarely


class WakingAsyncio:
    """Stands in for `asyncio` inside ministack's SQS: its sleep ends when a message was sent."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Future[None]] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio, name)

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.get_running_loop().create_future()
        self._waiting.add(woken)
        try:
            await asyncio.wait_for(woken, seconds)
        except TimeoutError:
            return
        finally:
            self._waiting.discard(woken)

    def wake(self) -> None:
        for woken in self._waiting:
            if not woken.done():
                woken.set_result(None)


def wake_waiting_receives() -> None:
    waking = WakingAsyncio()
    dispatch = sqs._dispatch
    sqs.asyncio = waking

    async def dispatch_and_wake(action: str, data: dict[str, Any], queue_url: str) -> Any:
        answer = await dispatch(action, data, queue_url)
        if not action.startswith(("Receive", "Get", "List")):
            waking.wake()
        return answer

    sqs._dispatch = dispatch_and_wake


class QuickJson:
    """Stands in for `json` in the persistence, which writes piece by piece, in Python."""

    def __getattr__(self, name: str) -> Any:
        return getattr(json, name)

    def dump(self, state: Any, file: TextIO, default: Callable[[Any], Any]) -> None:
        file.write(json.dumps(state, default=default))


class Uncopied:
    """Stands in for `copy` inside ministack's DynamoDB while nothing else can run."""

    @staticmethod
    def deepcopy(value: Any) -> Any:
        return value


class TableLog:
    """Requests that changed a table since the last save, replayed in their order after a crash."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._stream = path.open("ab")

    def append(self, target: str, body: bytes) -> None:
        record = {
            "target": target,
            "account": responses.get_account_id(),
            "region": responses.get_region(),
            "body": base64.b64encode(body).decode(),
        }
        self._stream.write(json.dumps(record).encode() + b"\n")
        self._stream.flush()

    @property
    def is_long(self) -> bool:
        return self._stream.tell() > TABLE_LOG_BYTES

    def empty(self) -> None:
        """Called right after the tables were saved, in the same turn of the event loop."""
        self._stream.truncate(0)
        self._stream.seek(0)  # What `is_long` asks for.

    def records(self) -> Iterator[dict[str, str]]:
        for line in self._path.read_bytes().splitlines():
            try:
                yield json.loads(line)
            except ValueError:
                return  # The last line was cut off by the kill; its request was never answered.


class Durability:
    """Puts on disk what a request changed before its answer leaves."""

    def __init__(self) -> None:
        self._log = TableLog(TABLE_LOG)
        self._touched = False
        self._saved_at = 0
        self._saving: asyncio.Task[None] | None = None
        self._change_table = dynamodb.handle_request
        dynamodb.handle_request = self._logged
        kms.handle_request = self._saved("kms", kms.handle_request)
        secretsmanager.handle_request = self._saved("secretsmanager", secretsmanager.handle_request)

    def touch(self) -> None:
        self._touched = True

    async def _logged(
        self, method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Answer:
        answer: Answer = await self._change_table(method, path, headers, body, query)
        target = headers.get("x-amz-target", "")
        # Nothing is awaited between the change and this line, so the log has the true order.
        if answer[0] < 300 and not _is_read_only(target):
            self._log.append(target, body)
        return answer

    def _saved(self, state: str, handle: Callable[..., Awaitable[Answer]]) -> Any:
        async def handle_and_save(
            method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
        ) -> Answer:
            answer = await handle(method, path, headers, body, query)
            if answer[0] < 300 and not _is_read_only(headers.get("x-amz-target", "")):
                getters = gateway._build_persistence_save_dict()
                persistence.save_all({state: getters[state]})
            return answer

        return handle_and_save

    async def replay(self) -> None:
        """Bring the tables up to date between loading the saved state and taking requests."""
        count = 0
        for record in self._log.records():
            responses.set_request_account_id(record["account"])
            responses.set_request_region(record["region"])
            body = base64.b64decode(record["body"])
            await self._change_table("POST", "/", {"x-amz-target": record["target"]}, body, {})
            count += 1
        logger.warning("replayed %d changes to tables", count)
        if count:
            self._save_tables()

    async def save_at_intervals(self) -> None:
        """Saving stops the event loop, so it may take a tenth of the time at most."""
        pause = SAVE_SECONDS
        while True:
            await asyncio.sleep(pause)
            if not self._touched:
                continue
            self._touched = False
            started = time.perf_counter()
            getters = gateway._build_persistence_save_dict()
            getters.pop("dynamodb")
            persistence.save_all(getters)
            if self._log.is_long:
                self._save_tables()
            pause = max(SAVE_SECONDS, 10 * (time.perf_counter() - started))

    def _save_tables(self) -> None:
        """Whole; if it fails, which is only logged, the log goes on growing."""
        before = _saved_at()
        tables = gateway._build_persistence_save_dict()["dynamodb"]
        copying, dynamodb.copy = dynamodb.copy, Uncopied
        try:
            persistence.save_all({"dynamodb": tables})
        finally:
            dynamodb.copy = copying
        if _saved_at() != before:
            self._log.empty()

    def around_life(self, receive: Receive, send: Send) -> tuple[Receive, Send]:
        """Replay before the first request; a clean stop saves everything, so it leaves no log."""

        async def send_after_replay(message: Message) -> None:
            if message["type"] == "lifespan.startup.complete":
                await self.replay()
                self._saving = asyncio.create_task(self.save_at_intervals())
            if message["type"] == "lifespan.shutdown.complete" and _saved_at() != self._saved_at:
                self._log.empty()
            await send(message)

        async def receive_stop() -> Message:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                self._saved_at = _saved_at()
            return message

        return receive_stop, send_after_replay


def _saved_at() -> int:
    return TABLES.stat().st_mtime_ns if TABLES.exists() else 0


def _is_read_only(target: str) -> bool:
    return target.rpartition(".")[2].startswith(READ_ONLY)


def save_quickly() -> None:
    persistence.json = QuickJson()


def survive_kills() -> None:
    durability = Durability()
    inner = gateway.app

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            receive, send = durability.around_life(receive, send)
        elif scope["type"] == "http" and scope["method"] != "GET":
            durability.touch()
        await inner(scope, receive, send)

    gateway.app = app


def main() -> None:
    prune_once_a_second()
    wake_waiting_receives()
    save_quickly()
    survive_kills()
    gateway.main()


if __name__ == "__main__":
    main()
