"""Signs requests with an API key: HMAC-SHA256, or Ed25519 (recommended)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


@dataclass(frozen=True)
class ApiKey:
    """`secret` is that of an HMAC key, or the private key whose public half was uploaded."""

    id: str
    secret: str | Ed25519PrivateKey

    def headers(self, method: str, target: str, body: bytes) -> dict[str, str]:
        """Of a request about to be sent; `target` is the path with its query, as sent."""
        timestamp = str(time.time_ns() // 1_000_000)
        digest = hashlib.sha256(body).hexdigest()
        payload = f"{timestamp}\n{method}\n{target}\n{digest}".encode()
        return {
            "X-API-Key": self.id,
            "X-Timestamp": timestamp,
            "X-Signature": self._sign(payload),
        }

    def _sign(self, payload: bytes) -> str:
        if isinstance(self.secret, str):
            return hmac.new(self.secret.encode(), payload, hashlib.sha256).hexdigest()
        return base64.b64encode(self.secret.sign(payload)).decode()
