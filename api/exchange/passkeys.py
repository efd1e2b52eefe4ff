"""Passkeys (WebAuthn): registering them, logging in with one, proving one as the second factor.

Challenges are ours, stored as hashes, and each works once; user verification is required, so a
passkey is two factors in one.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import webauthn
from webauthn.helpers import base64url_to_bytes, parse_client_data_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from api.exchange.caller import Caller
from domain.errors import InvalidInput, NotAuthenticated, UnknownPasskey
from domain.ids import CustomerId
from storage.second_factors import Passkey, SecondFactors

REGISTER, LOG_IN, STEP_UP = "passkey_register", "passkey_log_in", "passkey_step_up"
PASSKEYS_MAX = 20
_CHALLENGE_BYTES = 32
_LIFETIME = timedelta(minutes=5)
_LOCAL = "localhost"
_NOT_FITTING = "the passkey does not fit, or its challenge has been used or is too old"

Json = dict[str, Any]


class Passkeys:
    def __init__(self, factors: SecondFactors, *, domain: str, origins: tuple[str, ...]) -> None:
        """`domain` is what passkeys belong to; `origins` are the pages that may use them."""
        self._factors = factors
        self._domain = domain
        self._origins = origins or (f"https://{domain}",)

    async def registration(self, caller: Caller) -> Json:
        """What the browser needs to make a passkey for this customer."""
        known = await self._factors.passkeys_of(caller.customer_id)
        if len(known) >= PASSKEYS_MAX:
            raise InvalidInput(f"at most {PASSKEYS_MAX} passkeys; remove one first")
        options = webauthn.generate_registration_options(
            rp_id=self._domain,
            rp_name="Rialto",
            user_name=caller.customer.email,
            user_id=_handle(caller.customer_id),
            challenge=await self._challenge(caller.customer_id, REGISTER),
            exclude_credentials=_described(known),
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
        )
        return _json(options)

    async def register(self, caller: Caller, credential: Json, label: str) -> bytes:
        """Returns the credential's id. Raises NotAuthenticated when it does not verify."""
        challenge = await self._spend(credential, caller.customer_id, REGISTER)
        try:
            made = webauthn.verify_registration_response(
                credential=credential,
                expected_challenge=challenge,
                expected_rp_id=self._domain,
                expected_origin=self._expected_origins(credential),
                require_user_verification=True,
            )
        except WebAuthnException as fault:
            raise NotAuthenticated(_NOT_FITTING) from fault
        await self._factors.add_passkey(
            credential_id=made.credential_id,
            customer_id=caller.customer_id,
            public_key=made.credential_public_key,
            sign_count=made.sign_count,
            label=label,
        )
        return made.credential_id

    async def assertion(self, customer_id: CustomerId | None) -> Json:
        """What the browser needs to use a passkey: one of this customer's, or any to log in."""
        purpose, known = LOG_IN, []
        if customer_id is not None:
            purpose, known = STEP_UP, await self._factors.passkeys_of(customer_id)
            if not known:
                raise UnknownPasskey("no passkey is set up")
        options = webauthn.generate_authentication_options(
            rp_id=self._domain,
            challenge=await self._challenge(customer_id, purpose),
            allow_credentials=_described(known),
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        return _json(options)

    async def prove(self, customer_id: CustomerId | None, credential: Json) -> CustomerId:
        """Whose passkey it is. Raises NotAuthenticated the same way whatever was wrong."""
        purpose = LOG_IN if customer_id is None else STEP_UP
        challenge = await self._spend(credential, customer_id, purpose)
        known = await self._factors.passkey(_id_of(credential))
        if known is None or customer_id not in (None, known.customer_id):
            raise NotAuthenticated(_NOT_FITTING)
        try:
            proved = webauthn.verify_authentication_response(
                credential=credential,
                expected_challenge=challenge,
                expected_rp_id=self._domain,
                expected_origin=self._expected_origins(credential),
                credential_public_key=known.public_key,
                credential_current_sign_count=known.sign_count,
                require_user_verification=True,
            )
        except WebAuthnException as fault:
            raise NotAuthenticated(_NOT_FITTING) from fault
        if not await self._factors.use_passkey(known.credential_id, proved.new_sign_count):
            raise NotAuthenticated(_NOT_FITTING)
        return known.customer_id

    async def remove(self, customer_id: CustomerId, credential_id: bytes) -> None:
        if not await self._factors.remove_passkey(customer_id, credential_id):
            raise UnknownPasskey("no passkey of yours has this id")

    async def _challenge(self, customer_id: CustomerId | None, purpose: str) -> bytes:
        challenge = secrets.token_bytes(_CHALLENGE_BYTES)
        await self._factors.put_challenge(
            _digest(challenge), customer_id=customer_id, purpose=purpose, lifetime=_LIFETIME
        )
        return challenge

    async def _spend(self, credential: Json, customer_id: CustomerId | None, purpose: str) -> bytes:
        """The challenge that was signed, if it is one of ours and fresh."""
        challenge, _ = _client_data(credential)
        is_ours = await self._factors.take_challenge(
            _digest(challenge), customer_id=customer_id, purpose=purpose
        )
        if not is_ours:
            raise NotAuthenticated(_NOT_FITTING)
        return challenge

    def _expected_origins(self, credential: Json) -> list[str]:
        """On a development machine the page may be on any port of localhost."""
        _, origin = _client_data(credential)
        if self._domain == _LOCAL and urlsplit(origin).hostname == _LOCAL:
            return [origin]
        return list(self._origins)


def _client_data(credential: Mapping[str, Any]) -> tuple[bytes, str]:
    """Challenge and origin as the browser signed them. Raises InvalidInput."""
    try:
        text = credential["response"]["clientDataJSON"]
        data = parse_client_data_json(base64url_to_bytes(text))
    except (KeyError, TypeError, ValueError, AttributeError, WebAuthnException):
        raise InvalidInput("credential is not what a browser makes of a passkey") from None
    return data.challenge, data.origin


def _id_of(credential: Mapping[str, Any]) -> bytes:
    try:
        return base64url_to_bytes(credential["rawId"])
    except (KeyError, TypeError, ValueError, AttributeError):
        raise InvalidInput("credential has no rawId") from None


def _described(known: list[Passkey]) -> list[PublicKeyCredentialDescriptor]:
    return [PublicKeyCredentialDescriptor(id=each.credential_id) for each in known]


def _json(options: Any) -> Json:
    answer: Json = json.loads(webauthn.options_to_json(options))
    return answer


def _digest(challenge: bytes) -> bytes:
    return hashlib.sha256(challenge).digest()


def _handle(customer_id: CustomerId) -> bytes:
    """What the authenticator stores for the customer: opaque, and without personal data."""
    return hashlib.sha256(f"rialto-customer-{customer_id}".encode()).digest()
