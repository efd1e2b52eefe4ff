"""Proving a second factor: authenticator codes and recovery codes. Passkeys: see passkeys.py."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pyotp

from api.exchange.caller import Caller
from api.exchange.secret_box import SecretBox
from domain.errors import NotAuthenticated, RateLimited, SecondFactorRequired, WrongState
from domain.ids import CustomerId
from storage.login_attempts import LoginAttempts
from storage.second_factors import SecondFactors
from storage.sessions import Sessions

_STEP_SECONDS = 30
_STEPS_TOLERATED = 1
"""A code of the step before or after is right too, for clocks are never exact."""
_FAILURES_MAX = 5
_LOCK = timedelta(minutes=15)
_RECOVERY_CODES = 10


@dataclass(frozen=True, slots=True)
class TotpSetup:
    secret: str
    uri: str


class SecondFactor:
    def __init__(
        self,
        *,
        factors: SecondFactors,
        sessions: Sessions,
        attempts: LoginAttempts,
        box: SecretBox,
        step_up_lasts: timedelta,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._factors = factors
        self._sessions = sessions
        self._attempts = attempts
        self._box = box
        self._step_up_lasts = step_up_lasts
        self._clock = clock

    async def is_set_up(self, customer_id: CustomerId) -> bool:
        totp = await self._factors.totp(customer_id)
        if totp is not None and totp.is_confirmed:
            return True
        return bool(await self._factors.passkeys_of(customer_id))

    async def require_step_up(self, caller: Caller) -> None:
        """Raises SecondFactorRequired when there is a factor and it was not proved lately."""
        if await self.is_set_up(caller.customer_id):
            caller.require_recent_step_up(datetime.now(UTC), self._step_up_lasts)

    async def start_totp(self, caller: Caller) -> TotpSetup:
        """A fresh secret for an authenticator app; it counts once a code was confirmed."""
        await self.require_step_up(caller)
        secret = pyotp.random_base32()
        sealed = self._box.seal(secret.encode(), context=_context(caller.customer_id))
        await self._factors.start_totp(caller.customer_id, sealed)
        uri = pyotp.TOTP(secret).provisioning_uri(name=caller.customer.email, issuer_name="Rialto")
        return TotpSetup(secret, uri)

    async def confirm_totp(self, caller: Caller, code: str) -> list[str]:
        """Set up is done. Returns the recovery codes, each good once."""
        totp = await self._factors.totp(caller.customer_id)
        if totp is None or totp.is_confirmed:
            raise WrongState("no authenticator app is waiting to be confirmed")
        await self._check_totp(caller.customer_id, code)
        codes = [_recovery_code() for _ in range(_RECOVERY_CODES)]
        await self._factors.confirm_totp(caller.customer_id, [_hash(each) for each in codes])
        await self._sessions.step_up(caller.require_session().id)
        return codes

    async def remove_totp(self, caller: Caller) -> None:
        await self.require_step_up(caller)
        await self._factors.remove_totp(caller.customer_id)

    async def step_up(self, caller: Caller, code: str) -> None:
        """Prove it for this session. Raises NotAuthenticated; after some failures RateLimited."""
        await self.check_code(caller.customer_id, code)
        await self._sessions.step_up(caller.require_session().id)

    async def check_login(self, customer_id: CustomerId, code: str | None) -> bool:
        """Whether a code was proved at login. Raises SecondFactorRequired when one is needed."""
        totp = await self._factors.totp(customer_id)
        if totp is None or not totp.is_confirmed:
            return False
        if code is None:
            raise SecondFactorRequired("send the code of your authenticator app as well")
        await self.check_code(customer_id, code)
        return True

    async def check_code(self, customer_id: CustomerId, code: str) -> None:
        totp = await self._factors.totp(customer_id)
        if totp is None or not totp.is_confirmed:
            raise WrongState("no authenticator app is set up")
        if "-" in code:
            await self._check_recovery_code(customer_id, code)
        else:
            await self._check_totp(customer_id, code)

    async def _check_totp(self, customer_id: CustomerId, code: str) -> None:
        await self._refuse_locked(customer_id)
        totp = await self._factors.totp(customer_id)
        assert totp is not None
        secret = self._box.open(totp.secret_sealed, context=_context(customer_id)).decode()
        step = _step_of(pyotp.TOTP(secret), code, self._clock())
        if step is None or not await self._factors.take_totp_step(customer_id, step):
            await self._fail(customer_id)
        await self._attempts.succeeded(_subject(customer_id))

    async def _check_recovery_code(self, customer_id: CustomerId, code: str) -> None:
        await self._refuse_locked(customer_id)
        if not await self._factors.take_recovery_code(customer_id, _hash(code.strip().lower())):
            await self._fail(customer_id)

    async def _refuse_locked(self, customer_id: CustomerId) -> None:
        if await self._attempts.locked_until([_subject(customer_id)]) is not None:
            raise RateLimited(
                "too many wrong codes; try again later",
                retry_after_seconds=str(int(_LOCK.total_seconds())),
            )

    async def _fail(self, customer_id: CustomerId) -> None:
        await self._attempts.failed(_subject(customer_id), failures_max=_FAILURES_MAX, lock=_LOCK)
        raise NotAuthenticated("wrong code, or one that was used already")


def _step_of(totp: pyotp.TOTP, code: str, now: float) -> int | None:
    """The time step whose code this is; None when of none near now."""
    now_step = int(now) // _STEP_SECONDS
    for step in range(now_step - _STEPS_TOLERATED, now_step + _STEPS_TOLERATED + 1):
        if secrets.compare_digest(totp.generate_otp(step).encode(), code.encode()):
            return step
    return None


def _context(customer_id: CustomerId) -> str:
    return f"totp:{customer_id}"


def _subject(customer_id: CustomerId) -> str:
    return f"code:{customer_id}"


def _recovery_code() -> str:
    text = secrets.token_hex(10)
    return f"{text[:5]}-{text[5:10]}-{text[10:15]}-{text[15:]}"


def _hash(code: str) -> bytes:
    """A plain hash is enough for 80 random bits."""
    return hashlib.sha256(code.encode()).digest()
