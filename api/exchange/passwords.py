"""Passwords: argon2id in worker threads, a few at a time, so that logins never starve trading."""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Callable
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from domain.errors import Unavailable, WeakPassword

R = TypeVar("R")

LENGTH_MIN = 10
LENGTH_MAX = 256
"""Longer ones cost us hashing time and add nothing."""

_AT_ONCE = 2
"""Each takes 19 MiB and about 25 ms of one core."""
_WAITING_MAX = 200

_WELL_KNOWN_TEXT = """
0123456789 1111111111 1234567890 123456789a 12345678910 1q2w3e4r5t 1qaz2wsx3edc abcd123456
abcdefghij administrator bitcoin123 changeme123 correcthorsebatterystaple hello12345
iloveyou123 letmein123 password12 password123 password1234 password!23 passw0rd123
q1w2e3r4t5 qwerty1234 qwerty12345 qwertyuiop qwertyuiop123 rialto1234 satoshi123
welcome123 zaq12wsxcde
"""
_WELL_KNOWN = frozenset(_WELL_KNOWN_TEXT.split())


class Passwords:
    def __init__(self) -> None:
        # OWASP's second recommendation for argon2id: 19 MiB, two passes, one lane.
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._waiting = 0
        self._nobody = self._hasher.hash("nobody has this password")

    async def hash(self, password: str) -> str:
        return await self._in_thread(self._hasher.hash, normal_password(password))

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether they fit. Without a hash (no such customer) it takes as long and says no."""
        if len(password) > LENGTH_MAX:
            return False
        stored = self._nobody if password_hash is None else password_hash
        fits = await self._in_thread(self._fits, stored, normal_password(password))
        return fits and password_hash is not None

    def needs_rehash(self, password_hash: str) -> bool:
        """The parameters have been raised since it was made."""
        return self._hasher.check_needs_rehash(password_hash)

    def _fits(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _in_thread(self, work: Callable[..., R], *arguments: str) -> R:
        if self._waiting >= _WAITING_MAX:
            raise Unavailable("too many people are logging in; try again", retry_after_seconds="5")
        self._waiting += 1
        try:
            async with self._slots:
                return await asyncio.to_thread(work, *arguments)
        finally:
            self._waiting -= 1


def normal_password(password: str) -> str:
    """One spelling for the same letters typed on different keyboards (NIST SP 800-63B 5.1.1.2)."""
    return unicodedata.normalize("NFKC", password)


def refuse_weak(password: str, email: str) -> None:
    """Raises WeakPassword. Length and well-known words only: composition rules do not help."""
    plain = normal_password(password).lower()
    if len(plain) < LENGTH_MIN:
        raise WeakPassword(f"at least {LENGTH_MIN} characters", length_min=str(LENGTH_MIN))
    if len(password) > LENGTH_MAX:
        raise WeakPassword(f"at most {LENGTH_MAX} characters", length_max=str(LENGTH_MAX))
    if plain in _WELL_KNOWN or len(set(plain)) < 4:
        raise WeakPassword("too well known; choose another")
    if plain in {email.lower(), email.lower().partition("@")[0]}:
        raise WeakPassword("must not be your e-mail address")
