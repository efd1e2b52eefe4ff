"""Staff tokens signed by KMS. The key never leaves it: the portal's disk holds no secret."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from compliance.staff import Role
from compliance.staff_token import StaffClaims, join_token, token_body

STAFF_KEY_ALIAS = "alias/rialto-staff"


class StaffSigner:
    def __init__(self, kms: Any, alias: str = STAFF_KEY_ALIAS) -> None:
        self._kms = kms
        self._alias = alias

    async def token(
        self, officer: str, role: Role, *, workflow_id: str, update: str, update_id: str
    ) -> str:
        """Good for this one update of this one workflow, now."""
        claims = StaffClaims(officer, role, workflow_id, update, update_id, int(time.time()))
        body = token_body(claims)
        answer = await asyncio.to_thread(
            self._kms.sign,
            KeyId=self._alias,
            Message=body.encode(),
            MessageType="RAW",
            SigningAlgorithm="ECDSA_SHA_256",
        )
        return join_token(body, answer["Signature"])
