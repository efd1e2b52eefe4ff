"""The signed word of the staff portal that this person, in this role, asks for this one update.

The portal signs with a KMS key it cannot read; workers know the public half only. A token serves
one update id of one workflow for two minutes, so what a history shows cannot be used again.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from compliance.staff import Role
from domain.errors import NotAllowed

VALID_SECONDS = 120
SKEW_SECONDS = 60


class StaffTokenRefused(NotAllowed):
    code = "staff_token_refused"


@dataclass(frozen=True, slots=True)
class StaffClaims:
    officer: str
    role: Role
    workflow_id: str
    update: str
    update_id: str
    issued_at: int
    """Seconds since 1970."""


def token_body(claims: StaffClaims) -> str:
    """What is signed, as text. `join_token` adds the signature."""
    return _text(json.dumps(asdict(claims), sort_keys=True, separators=(",", ":")).encode())


def join_token(body: str, signature: bytes) -> str:
    return f"{body}.{_text(signature)}"


def read_claims(token: str) -> StaffClaims:
    """The claims, unverified: for an update whose validator verified them already."""
    try:
        claims = json.loads(_bytes(token.partition(".")[0]))
        return StaffClaims(**{**claims, "role": Role(claims["role"])})
    except (ValueError, TypeError, KeyError) as fault:
        raise StaffTokenRefused("the staff token cannot be read") from fault


def verify_token(
    token: str, keys: Sequence[ec.EllipticCurvePublicKey], expected: StaffClaims
) -> StaffClaims:
    """Check signature, target and age; `expected` names the target and, as `issued_at`, now.

    Raises StaffTokenRefused. Officer and role come from the token alone.
    """
    body, _, signature = token.partition(".")
    if not any(_is_signed(key, body, signature) for key in keys):
        raise StaffTokenRefused("the staff token is not signed by the staff portal")
    claims = read_claims(token)
    if (claims.workflow_id, claims.update, claims.update_id) != (
        expected.workflow_id,
        expected.update,
        expected.update_id,
    ):
        raise StaffTokenRefused("the staff token was made for another action")
    age = expected.issued_at - claims.issued_at
    if not -SKEW_SECONDS <= age <= VALID_SECONDS:
        raise StaffTokenRefused("the staff token has expired; do it again")
    return claims


def _is_signed(key: ec.EllipticCurvePublicKey, body: str, signature: str) -> bool:
    try:
        key.verify(_bytes(signature), body.encode(), ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error as fault:
        raise ValueError(str(fault)) from fault
