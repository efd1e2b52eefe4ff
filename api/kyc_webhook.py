"""Where the identity vendor calls us. It says only that there is news; we fetch the news."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import msgspec
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from compliance.webhooks import SIGNATURE_HEADER, TIMESTAMP_HEADER, check_webhook
from domain.errors import InvalidInput
from storage.kyc import KycStore
from workflows.kyc_start import nudge_kyc

__all__ = ["SIGNATURE_HEADER", "TIMESTAMP_HEADER", "KycWebhook"]


class VendorEvent(msgspec.Struct):
    event_id: str
    check_id: str


class KycWebhook:
    """Forged and stale calls are refused; a repeated one is answered and does nothing."""

    def __init__(
        self,
        client: Client,
        store: KycStore,
        secrets: Sequence[bytes],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`secrets`: the vendor's, newest first; two while one replaces the other."""
        self._client = client
        self._store = store
        self._secrets = tuple(secrets)
        self._clock = clock

    async def receive(self, timestamp: str, signature: str, body: bytes) -> bool:
        """Whether it was news. Raises WebhookForged, WebhookStale, InvalidInput."""
        check_webhook(self._secrets, timestamp, signature, body, self._clock())
        event = _event(body)
        if await self._store.has_event(event.event_id):
            return False
        check = await self._store.check(event.check_id)
        if check is None:
            # Signed, yet unknown: older than our database, or not written down yet. Polling helps.
            raise InvalidInput("no such check")
        try:
            await nudge_kyc(self._client, check.customer_id, check.id)
        except RPCError as fault:
            if (
                fault.status is not RPCStatusCode.NOT_FOUND
            ):  # The case ended: nobody wants the news.
                raise
        await self._store.add_event(event.event_id, event.check_id)
        return True


def _event(body: bytes) -> VendorEvent:
    try:
        return msgspec.json.decode(body, type=VendorEvent)
    except msgspec.MsgspecError as fault:
        raise InvalidInput("the event cannot be read") from fault
