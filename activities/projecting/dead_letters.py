"""Events that could not be applied, on a queue, each with the reason and what brings it back.

A letter holds the smallest part that failed, as it came, so that it can be applied after a fix:
`rialto projections replay`.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from activities.projecting.reading import Poison, StreamRecord
from storage.search_index import DocumentRefused

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient

REPLAY_COMMAND = "rialto projections replay"
DATA_BYTES_MAX = 150_000
"""SQS takes 256 KiB and base64 adds a third. Larger ones are pointed at, not carried."""

REASON_LENGTH_MAX = 2000
_SECONDS_TO_READ = 60


@dataclass(frozen=True, slots=True)
class DeadLetter:
    poison: Poison
    receipt: str
    is_whole: bool
    """False: too large to be carried; it is read again from its stream while that keeps it."""


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
                "document": each.name,
                "generation": generation,
                "replay": "rialto projections reindex",
            }
            self._send(letter)

    def receive(self) -> Iterator[DeadLetter]:
        """Every letter once; those not removed come back after a minute."""
        while True:
            answer = self._sqs.receive_message(
                QueueUrl=self._queue_url(),
                MaxNumberOfMessages=10,
                VisibilityTimeout=_SECONDS_TO_READ,
            )
            messages = answer.get("Messages", [])
            if not messages:
                return
            for message in messages:
                body = json.loads(message["Body"])
                if "document" in body:
                    continue
                yield DeadLetter(_poison(body), message["ReceiptHandle"], body["is_whole"])

    def remove(self, letter: DeadLetter) -> None:
        self._sqs.delete_message(QueueUrl=self._queue_url(), ReceiptHandle=letter.receipt)

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
