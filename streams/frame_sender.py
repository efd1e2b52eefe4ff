"""The sending end of the order queue: frames are durably queued when `send` returns."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from streams.aws import client
from streams.frames import Frame

if TYPE_CHECKING:
    from types_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

MARKET_GROUP = "spot"
"""The one group of markets there is: its frames reach the engine in the order they were sent."""

_FRAMES_PER_CALL = 4
"""SQS takes 256 KiB a call, and a full frame is somewhat under 64 KiB."""


class FrameRefusedError(Exception):
    """SQS took the call but not every frame."""


class FrameSender:
    def __init__(self, queue_name: str) -> None:
        self._queue_name = queue_name
        self._url = ""

    async def send(self, frames: Sequence[Frame]) -> None:
        for start in range(0, len(frames), _FRAMES_PER_CALL):
            await asyncio.to_thread(self._send, frames[start : start + _FRAMES_PER_CALL])

    async def ping(self) -> None:
        """Raises when the queue cannot be reached."""
        sqs = client("sqs")
        await asyncio.to_thread(sqs.get_queue_url, QueueName=self._queue_name)

    def _send(self, frames: Sequence[Frame]) -> None:
        sqs = client("sqs")
        if not self._url:
            self._url = sqs.get_queue_url(QueueName=self._queue_name)["QueueUrl"]
        entries: list[SendMessageBatchRequestEntryTypeDef] = [
            {
                "Id": str(number),
                "MessageBody": frame.body,
                "MessageGroupId": frame.group,
                "MessageDeduplicationId": frame.deduplication_id,
            }
            for number, frame in enumerate(frames)
        ]
        answer = sqs.send_message_batch(QueueUrl=self._url, Entries=entries)
        if answer.get("Failed"):
            raise FrameRefusedError(str(answer["Failed"])[:500])
