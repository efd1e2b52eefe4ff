"""Signed, replay-protected webhooks: HMAC-SHA256 over time and body, within a window of minutes.

The window bounds how long a captured call can be replayed; event ids make it count once inside it.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

from domain.errors import NotAllowed

TIMESTAMP_HEADER = "X-Vendor-Timestamp"
SIGNATURE_HEADER = "X-Vendor-Signature"
WINDOW_SECONDS = 300
_VERSION = "v1="


class WebhookForged(NotAllowed):
    code = "webhook_forged"


class WebhookStale(NotAllowed):
    code = "webhook_stale"


def sign_webhook(secret: bytes, timestamp: int, body: bytes) -> str:
    return _VERSION + hmac.new(secret, _signed(timestamp, body), hashlib.sha256).hexdigest()


def check_webhook(
    secrets: Sequence[bytes], timestamp: str, signature: str, body: bytes, now: float
) -> None:
    """Raises WebhookForged or WebhookStale. Several secrets: while one replaces the other."""
    if not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 12:
        raise WebhookForged("the time stamp is not a number of seconds")
    moment = int(timestamp)
    expected = [sign_webhook(secret, moment, body) for secret in secrets]
    given = signature.encode()
    if not any(hmac.compare_digest(given, one.encode()) for one in expected):
        raise WebhookForged("the signature does not fit time and body")
    if abs(now - moment) > WINDOW_SECONDS:
        raise WebhookStale(f"signed more than {WINDOW_SECONDS} seconds ago or ahead")


def _signed(timestamp: int, body: bytes) -> bytes:
    return f"{timestamp}.".encode() + body
