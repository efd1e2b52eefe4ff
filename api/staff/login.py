"""Signing in: login, password and a code that works once. Every failure looks the same."""

from __future__ import annotations

import time
from collections.abc import Callable

import pyotp

from api.exchange.passwords import Passwords
from domain.errors import NotAuthenticated
from storage.staff import StaffStore, StaffUser
from streams.envelope import Envelope

_STEP_SECONDS = 30
_LOGIN_LENGTH_MAX = 64


class StaffLogin:
    def __init__(
        self,
        store: StaffStore,
        passwords: Passwords,
        envelope: Envelope,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._passwords = passwords
        self._envelope = envelope
        self._clock = clock

    async def sign_in(self, login: str, password: str, code: str) -> str:
        """A session token. Raises NotAuthenticated, whatever was wrong."""
        user = await self._store.find(login[:_LOGIN_LENGTH_MAX].strip().lower())
        fits = await self._passwords.verify(None if user is None else user.password_hash, password)
        if user is None or user.is_locked:
            raise _wrong()
        if not fits or not await self._spends(user, code.strip()):
            await self._store.count_failure(user.login)
            await self._store.audit(user.login, "staff.login_failed", f"staff/{user.login}")
            raise _wrong()
        token = await self._store.open_session(user.login)
        await self._store.audit(user.login, "staff.logged_in", f"staff/{user.login}")
        return token

    async def _spends(self, user: StaffUser, code: str) -> bool:
        """Whether the code fits now or one step before or after, and was not used before."""
        secret = await self._envelope.open_packed(user.totp_sealed, about_staff(user.login))
        totp = pyotp.TOTP(secret.decode())
        now = int(self._clock()) // _STEP_SECONDS
        for step in (now, now - 1, now + 1):
            if pyotp.utils.strings_equal(code, totp.generate_otp(step)):
                return await self._store.spend_code(user.login, step)
        return False


def about_staff(login: str) -> bytes:
    """Binds a sealed second factor to its login."""
    return f"staff:{login}".encode()


def _wrong() -> NotAuthenticated:
    return NotAuthenticated("Login, password or code is wrong, or too many attempts were made.")
