"""The order queue as the engine reads it: frames from SQS FIFO, deleted only once journaled.

SQS is transport and nothing else: it may deliver again what was deleted, and deliver to another
engine what this one did not delete in time. The engine's own memory of commands makes both
harmless.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from streams.aws import client, is_transient
from streams.frames import Frame

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient

MESSAGES_MAX = 10
"""SQS gives and takes ten messages a call."""

CALL_BYTES_MAX = 240 * 1024
"""SQS takes 256 KiB a call; the rest is left for ids and framing."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Received:
    """One message: a frame, and what it takes to delete it."""

    body: str
    receipt: str
    message_id: str
    sent_ms: int = 0
    """When the queue took it, in milliseconds since 1970; 0 where it does not say."""


class FramesRefused(Exception):
    """SQS took the call but not every frame. None may be taken as sent: order matters."""


class OrderQueue:
    """One queue, which must exist. Calls block a thread of the default pool, never the loop."""

    def __init__(self, name: str, sqs: SQSClient | None = None) -> None:
        self._name = name
        self._sqs = sqs or client("sqs")
        self._url = ""

    async def receive(self, *, wait_seconds: int) -> list[Received]:
        """Up to ten frames, in order. With 0 seconds it answers at once, else when there is one."""
        return await asyncio.to_thread(self._receive, wait_seconds)

    async def delete(self, received: Sequence[Received]) -> None:
        """Forget frames that are journaled. What fails is only delivered again."""
        for start in range(0, len(received), MESSAGES_MAX):
            await asyncio.to_thread(self._delete, received[start : start + MESSAGES_MAX])

    async def send(self, frames: Sequence[Frame]) -> None:
        """All frames are durably queued when this returns, in order."""
        call: list[Frame] = []
        size = 0
        for frame in frames:
            if call and (len(call) == MESSAGES_MAX or size + len(frame.body) > CALL_BYTES_MAX):
                await asyncio.to_thread(self._send, call)
                call, size = [], 0
            call.append(frame)
            size += len(frame.body)
        if call:
            await asyncio.to_thread(self._send, call)

    async def put_aside(self, received: Received) -> None:
        """Move a message that is no frame to the dead letters, for people to look at."""
        await asyncio.to_thread(self._put_aside, received)

    async def ping(self) -> bool:
        await asyncio.to_thread(self._queue_url)
        return True

    def _queue_url(self) -> str:
        if not self._url:
            self._url = self._sqs.get_queue_url(QueueName=self._name)["QueueUrl"]
        return self._url

    def _receive(self, wait_seconds: int) -> list[Received]:
        answer = self._sqs.receive_message(
            QueueUrl=self._queue_url(),
            MaxNumberOfMessages=MESSAGES_MAX,
            WaitTimeSeconds=wait_seconds,
            MessageSystemAttributeNames=["SentTimestamp"],
        )
        return [
            Received(
                message["Body"],
                message["ReceiptHandle"],
                message["MessageId"],
                int(message.get("Attributes", {}).get("SentTimestamp", 0)),
            )
            for message in answer.get("Messages", [])
        ]

    def _delete(self, received: Sequence[Received]) -> None:
        try:
            answer = self._sqs.delete_message_batch(
                QueueUrl=self._queue_url(),
                Entries=[
                    {"Id": str(number), "ReceiptHandle": each.receipt}
                    for number, each in enumerate(received)
                ],
            )
        except Exception as error:
            if not is_transient(error) and not isinstance(error, ClientError):
                raise
            logger.warning("frames were not deleted", extra={"fault": str(error)[:200]})
            return
        if answer.get("Failed"):
            logger.info("some frames were not deleted", extra={"count": len(answer["Failed"])})

    def _put_aside(self, received: Received) -> None:
        dead_letters = self._name.removesuffix(".fifo") + "-dead.fifo"
        url = self._sqs.get_queue_url(QueueName=dead_letters)["QueueUrl"]
        self._sqs.send_message(
            QueueUrl=url,
            MessageBody=received.body,
            MessageGroupId="malformed",
            MessageDeduplicationId=received.message_id,
        )
        self._delete([received])

    def _send(self, frames: Sequence[Frame]) -> None:
        answer = self._sqs.send_message_batch(
            QueueUrl=self._queue_url(),
            Entries=[
                {
                    "Id": str(number),
                    "MessageBody": frame.body,
                    "MessageGroupId": frame.group,
                    "MessageDeduplicationId": frame.deduplication_id,
                }
                for number, frame in enumerate(frames)
            ],
        )
        if answer.get("Failed"):
            raise FramesRefused(str(answer["Failed"])[:500])
