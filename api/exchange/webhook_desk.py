"""What customers do about their webhooks. Used by the routes; knows no HTTP."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence
from datetime import timedelta

from activities.webhooks import about_endpoint
from domain.ids import CustomerId
from domain.webhook import SECRET_BYTES, SECRET_PREFIX, check_url
from storage.webhooks import Endpoint, NewEndpoint, Webhooks
from streams.envelope import Envelope

OVERLAP = timedelta(hours=24)
"""How long the secret that was replaced signs beside its successor."""
_ID_BYTES = 12


class WebhookDesk:
    def __init__(self, store: Webhooks, envelope: Envelope, *, allow_loopback: bool) -> None:
        self.store = store
        self._envelope = envelope
        self._allow_loopback = allow_loopback

    def check_url(self, url: str) -> None:
        """Raises WebhookUrlRefused."""
        check_url(url, allow_loopback=self._allow_loopback)

    async def create(
        self, customer_id: CustomerId, *, url: str, label: str, events: Sequence[str]
    ) -> tuple[Endpoint, str]:
        """The endpoint and its secret, which is nowhere in the clear after this."""
        self.check_url(url)
        endpoint_id, secret = f"wh_{secrets.token_urlsafe(_ID_BYTES)}", _new_secret()
        new = NewEndpoint(
            id=endpoint_id,
            url=url,
            label=label,
            events=tuple(dict.fromkeys(events)),
            secret_sealed=await self._seal(endpoint_id, secret),
        )
        return await self.store.create(customer_id, new), secret

    async def rotate_secret(
        self, customer_id: CustomerId, endpoint_id: str
    ) -> tuple[Endpoint, str]:
        secret = _new_secret()
        sealed = await self._seal(endpoint_id, secret)
        changed = await self.store.rotate(customer_id, endpoint_id, sealed, overlap=OVERLAP)
        return changed, secret

    async def _seal(self, endpoint_id: str, secret: str) -> bytes:
        return await self._envelope.seal_packed(secret.encode(), about_endpoint(endpoint_id))


def _new_secret() -> str:
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
