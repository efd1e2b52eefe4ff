"""Histories of workflows, written down so that tests can replay them against newer code.

What runs may have begun under any code since its release: a change of a workflow is safe only when
histories of the old code still lead to the same commands.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf.message import Message
from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHistory
from temporalio.converter import PayloadCodec

_EVENTS_MAX = 400
"""Longer ones say nothing more, and weigh too much in the repository."""
_PER_TYPE_MAX = 8
_CHECKOUT = f"{Path(__file__).resolve().parents[1]}/"
"""Stack traces name files of the machine that recorded them; from here on they are relative."""


@dataclass(frozen=True, slots=True)
class Recorded:
    name: str
    """Of the workflow's type and its way; a file keeps its name when it is recorded anew."""
    events: int
    content: str


async def record(
    client: Client, *, workflow_types: Sequence[str], look_at: int = 500
) -> list[Recorded]:
    """The shortest history of each way that workflows of these types went.

    Payloads are opened, so whoever reads the files needs no key: record on development data only.
    A way is the set of activities, updates, signals and timers met.
    """
    codec = client.data_converter.payload_codec
    recorded = []
    for workflow_type in workflow_types:
        ways = await _ways(client, workflow_type, look_at)
        chosen = sorted(ways.items(), key=lambda each: len(each[1].events), reverse=True)
        for way, history in [each for each in chosen if _fits(each[1])][:_PER_TYPE_MAX]:
            content = await _content(history, codec)
            name = f"{workflow_type}-{_short(way)}"
            recorded.append(Recorded(name, len(history.events), content))
    return recorded


def write(folder: Path, recorded: Sequence[Recorded]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for each in recorded:
        content = each.content.replace(_CHECKOUT, "")
        (folder / f"{each.name}.json").write_text(content, encoding="utf-8")


def read(path: Path) -> WorkflowHistory:
    """A recorded history, to be replayed."""
    content = json.loads(path.read_text(encoding="utf-8"))
    return WorkflowHistory.from_json(content["workflow_id"], content["history"])


def has_header(history: WorkflowHistory, name: str) -> bool:
    """Whether some update came with this header."""
    return any(name in _accepted(event).input.header.fields for event in history.events)


def _accepted(event: Any) -> Any:
    return event.workflow_execution_update_accepted_event_attributes.accepted_request


async def _ways(client: Client, workflow_type: str, look_at: int) -> dict[str, WorkflowHistory]:
    ways: dict[str, WorkflowHistory] = {}
    query = f"WorkflowType = '{workflow_type}'"
    async for execution in client.list_workflows(query, limit=look_at):
        handle = client.get_workflow_handle(execution.id, run_id=execution.run_id)
        history = await handle.fetch_history()
        way = _way(history)
        if way not in ways or len(history.events) < len(ways[way].events):
            ways[way] = history
    return ways


async def open_payloads(history: WorkflowHistory, codec: PayloadCodec | None) -> None:
    """Decode every payload of the history where it stands."""
    if codec is not None:
        for event in history.events:
            await _open(event, codec)


async def _content(history: WorkflowHistory, codec: PayloadCodec | None) -> str:
    await open_payloads(history, codec)
    content = {"workflow_id": history.workflow_id, "history": history.to_json_dict()}
    return json.dumps(content, indent=1, sort_keys=True) + "\n"


def _fits(history: WorkflowHistory) -> bool:
    return len(history.events) <= _EVENTS_MAX


def _way(history: WorkflowHistory) -> str:
    return " ".join(sorted({_word(event) for event in history.events}))


def _word(event: Any) -> str:
    """What happened, without whom it happened to."""
    kind = EventType.Name(event.event_type).removeprefix("EVENT_TYPE_")
    name = ""
    if event.HasField("activity_task_scheduled_event_attributes"):
        name = event.activity_task_scheduled_event_attributes.activity_type.name
    elif event.HasField("workflow_execution_signaled_event_attributes"):
        name = event.workflow_execution_signaled_event_attributes.signal_name
    elif event.HasField("workflow_execution_update_accepted_event_attributes"):
        name = _accepted(event).input.name
    return f"{kind}:{name}"


def _short(way: str) -> str:
    return hashlib.sha256(way.encode()).hexdigest()[:8]


async def _open(message: Message, codec: PayloadCodec) -> None:
    """Decode every payload inside, wherever it stands."""
    if isinstance(message, Payload):
        [opened] = await codec.decode([message])
        message.CopyFrom(opened)
        return
    for _, value in message.ListFields():
        for each in _messages(value):
            await _open(each, codec)


def _messages(value: Any) -> Iterable[Message]:
    if isinstance(value, Message):
        return [value]
    if hasattr(value, "values"):  # A map.
        return [each for each in value.values() if isinstance(each, Message)]
    if isinstance(value, str | bytes | int | float):
        return []
    return [each for each in value if isinstance(each, Message)]
