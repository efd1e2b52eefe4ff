"""What could not be applied, on a queue, each with the reason and what brings it back.

A letter holds the smallest part of an event that failed, as it came, so that it can be applied
after a fix: `rialto projections replay`. Some are only pointed at: a large event and a batch that a
Lambda gave up stay in their stream, a document that the index refused in the tables.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from activities.projecting.reading import Poison, StreamRecord
from projections.document import Kind
from storage.search_index import DocumentRefused

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient
    from types_boto3_sqs.type_defs import MessageTypeDef

REPLAY_COMMAND = "rialto projections replay"
DATA_BYTES_MAX = 150_000
"""SQS takes 256 KiB and base64 adds a third. Larger ones are pointed at, not carried."""

REASON_LENGTH_MAX = 2000
_SECONDS_TO_READ = 300


@dataclass(frozen=True, slots=True)
class LostEvent:
    """An event that could not be read or applied."""

    poison: Poison
    is_whole: bool
    """False: too large to be carried; it is read again from its stream while that keeps it."""


@dataclass(frozen=True, slots=True)
class LostBatch:
    """Records that the Lambda gave up after all its retries, by their place in the stream."""

    stream: str
    shard: str
    first: str
    last: str


@dataclass(frozen=True, slots=True)
class LostDocument:
    """A document that the search index refused."""

    kind: Kind
    id: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """Not a letter of ours."""


Lost: TypeAlias = LostEvent | LostBatch | LostDocument | Unknown


@dataclass(frozen=True, slots=True)
class DeadLetter:
    lost: Lost
    reason: str
    subject: str
    """What it is about and where that is, in words."""
    sent_at_ms: int
    receipt: str


class DeadLetters:
    """The queue. Blocking."""

    def __init__(self, sqs: SQSClient, queue: str) -> None:
        self._sqs = sqs
        self._queue = queue
        self._url = ""

    def send(self, poisons: Sequence[Poison]) -> None:
        """Keep them; returns when the queue has them all."""
        for poison in poisons:
            self._send(_body(poison))

    def send_documents(self, generation: int, refused: Sequence[DocumentRefused]) -> None:
        """Documents that the index refuses: a fault in the mapping, cured by indexing anew."""
        for each in refused:
            letter = {
                "reason": each.reason[:REASON_LENGTH_MAX],
                "kind": each.kind,
                "document": each.name,
                "generation": generation,
                "replay": REPLAY_COMMAND,
            }
            self._send(letter)

    def receive(self) -> Iterator[DeadLetter]:
        """Every letter once; those not removed come back after five minutes.

        Put none back before all are received: it would come again and hide the others.
        """
        seen: set[str] = set()
        while True:
            answer = self._sqs.receive_message(
                QueueUrl=self._queue_url(),
                MaxNumberOfMessages=10,
                VisibilityTimeout=_SECONDS_TO_READ,
                AttributeNames=["SentTimestamp"],
            )
            messages = [m for m in answer.get("Messages", []) if m["MessageId"] not in seen]
            if not messages:
                return
            for message in messages:
                seen.add(message["MessageId"])
                yield _letter(message)

    def remove(self, letter: DeadLetter) -> None:
        self._sqs.delete_message(QueueUrl=self._queue_url(), ReceiptHandle=letter.receipt)

    def put_back(self, letter: DeadLetter) -> None:
        """It can be received again at once."""
        self._sqs.change_message_visibility(
            QueueUrl=self._queue_url(), ReceiptHandle=letter.receipt, VisibilityTimeout=0
        )

    def count(self) -> int:
        """About how many letters there are."""
        answer = self._sqs.get_queue_attributes(
            QueueUrl=self._queue_url(),
            AttributeNames=["ApproximateNumberOfMessages"],
        )
        return int(answer["Attributes"]["ApproximateNumberOfMessages"])

    def _send(self, body: dict[str, object]) -> None:
        self._sqs.send_message(QueueUrl=self._queue_url(), MessageBody=json.dumps(body))

    def _queue_url(self) -> str:
        if not self._url:
            self._url = self._sqs.get_queue_url(QueueName=self._queue)["QueueUrl"]
        return self._url


def _body(poison: Poison) -> dict[str, object]:
    record = poison.record
    is_whole = len(poison.line) <= DATA_BYTES_MAX
    return {
        "reason": poison.reason[:REASON_LENGTH_MAX],
        "replay": REPLAY_COMMAND,
        "stream": record.stream,
        "shard": record.shard,
        "sequence_number": record.sequence_number,
        "key": record.key,
        "arrived_at_ms": record.arrived_at_ms,
        "is_whole": is_whole,
        "line": b64encode(poison.line[: None if is_whole else 1000]).decode(),
    }


def _letter(message: MessageTypeDef) -> DeadLetter:
    lost, reason, subject = _read(message["Body"])
    sent_at_ms = int(message.get("Attributes", {}).get("SentTimestamp", 0))
    return DeadLetter(lost, reason, subject, sent_at_ms, message["ReceiptHandle"])


def _read(text: str) -> tuple[Lost, str, str]:
    """What is lost, why, and its name."""
    try:
        body: dict[str, Any] = json.loads(text)
        if "KinesisBatchInfo" in body:
            batch = _batch(body["KinesisBatchInfo"])
            condition = body.get("requestContext", {}).get("condition", "")
            subject = f"{batch.stream} {batch.shard} {batch.first} to {batch.last}"
            return batch, f"the Lambda gave up: {condition}", subject
        if "document" in body:
            document = LostDocument(Kind(body["kind"]), body["document"])
            return document, body["reason"], f"document {document.kind} {document.id}"
        poison = _poison(body)
        record = poison.record
        subject = f"{record.stream} {record.shard} {record.sequence_number} of {record.key}"
        return LostEvent(poison, body["is_whole"]), poison.reason, subject
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return Unknown(), f"not a letter of the data processor: {error!r}", text[:200]


def _batch(info: dict[str, str]) -> LostBatch:
    return LostBatch(
        info["streamArn"].rpartition("/")[2],
        info["shardId"],
        info["startSequenceNumber"],
        info["endSequenceNumber"],
    )


def _poison(body: dict[str, str]) -> Poison:
    line = b64decode(body["line"])
    record = StreamRecord(
        body["stream"],
        body["shard"],
        body["sequence_number"],
        body["key"],
        line,
        int(body["arrived_at_ms"]),
    )
    return Poison(record, line, body["reason"])
