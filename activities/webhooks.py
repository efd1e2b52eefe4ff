"""Sends webhook messages. Every attempt is written down for the owner of the endpoint."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Protocol

from pydantic import BaseModel
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.webhook_bodies import body_of
from domain.webhook import sign
from storage.catalog import Catalog
from storage.webhook_sending import Sending, WebhookSendings
from streams.envelope import Envelope
from streams.webhook_http import Posted

DISABLE_AFTER = timedelta(days=2, hours=12)
"""An endpoint that took nothing for so long is disabled when a delivery is given up, after three
days; shorter than those, so that the first one given up does it.
"""
NOT_TAKEN = "webhook_not_taken"
_HEADERS = {"Content-Type": "application/json", "User-Agent": "Rialto-Webhooks/1"}


class WebhookStep(BaseModel):
    delivery_id: int


class Post(Protocol):
    """Of `streams.webhook_http`."""

    async def post(self, url: str, headers: dict[str, str], body: bytes) -> Posted: ...


def about_endpoint(endpoint_id: str) -> bytes:
    """What a sealed secret belongs to: in another row it does not open."""
    return f"webhook:{endpoint_id}".encode()


class WebhookActivities:
    def __init__(
        self,
        sendings: WebhookSendings,
        http: Post,
        envelope: Envelope,
        catalog: Catalog,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._sendings = sendings
        self._http = http
        self._envelope = envelope
        self._catalog = catalog
        self._clock = clock

    def all(self) -> Sequence[Callable[..., Any]]:
        return [self.attempt, self.give_up]

    @activity.defn(name="webhook_attempt")
    async def attempt(self, step: WebhookStep) -> str:
        """One attempt; raises when it was not taken, and Temporal tries again.

        Running twice sends the message twice, under one id: receivers know it by that, as they
        must after an answer of theirs that was lost.
        """
        sending = await self._sendings.load(step.delivery_id)
        if sending is None:
            return "ended before"
        if not sending.is_wanted:
            await self._sendings.gave_up(step.delivery_id)
            return "not wanted any more"
        posted = await self._post(sending)
        await self._sendings.attempted(
            step.delivery_id,
            status_code=posted.status_code,
            problem=posted.problem,
            took_ms=posted.took_ms,
        )
        if not posted.problem:
            return "delivered"
        if posted.status_code == HTTPStatus.GONE:
            await self._sendings.gave_up(step.delivery_id)
            await self._sendings.disable(
                sending.endpoint_id, "it answered 410 Gone", after=timedelta(0)
            )
            return "gone"
        raise ApplicationError(posted.problem, type=NOT_TAKEN)

    @activity.defn(name="webhook_give_up")
    async def give_up(self, step: WebhookStep) -> None:
        """After days of failures. Running twice changes nothing more."""
        endpoint_id = await self._sendings.gave_up(step.delivery_id)
        reason = "it took nothing for days"
        await self._sendings.disable(endpoint_id, reason, after=DISABLE_AFTER)

    async def _post(self, sending: Sending) -> Posted:
        about = about_endpoint(sending.endpoint_id)
        secrets = [
            (await self._envelope.open_packed(sealed, about)).decode()
            for sealed in sending.secrets_sealed
        ]
        body, timestamp = body_of(sending, self._catalog), int(self._clock())
        headers = {
            **_HEADERS,
            "webhook-id": sending.message_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": sign(secrets, sending.message_id, timestamp, body),
        }
        return await self._http.post(sending.url, headers, body)
