"""JSON lines on standard error: a constant message, keys, and the request or workflow it is of."""

from __future__ import annotations

import datetime as dt
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import msgspec
import temporalio.activity
import temporalio.workflow

_context: ContextVar[dict[str, str]] = ContextVar("log_context", default={})  # noqa: B039 - never mutated, only replaced

_RECORD_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_TEMPORAL_EXTRAS = frozenset({"temporal_activity", "temporal_workflow"})

PERSONAL_KEYS = frozenset({
    "address_lines", "birth_date", "country", "document_number", "email", "first_name", "full_name",
    "last_name", "mrz", "name", "nationality", "password", "phone", "profile", "secret", "token",
    "totp",
})  # fmt: skip
"""Log keys whose value is never written, whoever passes it."""


@contextmanager
def log_context(**keys: str) -> Iterator[None]:
    """Lines logged inside, in this task and those it starts, carry `keys` (request_id=...)."""
    token = _context.set({**_context.get(), **keys})
    try:
        yield
    finally:
        _context.reset(token)


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, logger, message, process, then the keys."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "process": self._process,
            **_context.get(),
            **_temporal_keys(),
            **_extra_keys(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line, enc_hook=str).decode()


def _extra_keys(record: logging.LogRecord) -> dict[str, Any]:
    return {
        key: "[personal]" if key in PERSONAL_KEYS else value
        for key, value in vars(record).items()
        if key not in _RECORD_FIELDS and key not in _TEMPORAL_EXTRAS
    }


def _temporal_keys() -> dict[str, str]:
    if temporalio.activity.in_activity():
        activity = temporalio.activity.info()
        return {"workflow_id": activity.workflow_id or "", "activity": activity.activity_type}
    if temporalio.workflow.in_workflow():
        workflow = temporalio.workflow.info()
        return {"workflow_id": workflow.workflow_id, "workflow": workflow.workflow_type}
    return {}


def configure_logging(process: str, level: str = "INFO") -> None:
    """Send every logger of this process to standard error as JSON lines. Call once, in main."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(process))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for chatty in ("botocore", "urllib3", "asyncio", "aiohttp.access", "httpx"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
