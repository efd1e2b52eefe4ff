"""Registration, login, sessions and API keys: from what a request carries to a `Caller`."""

from __future__ import annotations

import hashlib
import ipaddress
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from api.exchange.caller import Caller, Origin
from api.exchange.passwords import Passwords, refuse_weak
from api.exchange.recent import Recent
from domain.errors import InvalidInput, NotAuthenticated, PermissionMissing, RateLimited
from domain.ids import CustomerId
from storage.api_keys import ApiKey, ApiKeys
from storage.customers import Action, Customer, Customers, normal_email
from storage.login_attempts import LoginAttempts
from storage.sessions import Session, Sessions, token_hash

_EMAIL = re.compile(r"^[^@\s\"(),:;<>\[\]\\]{1,64}@[a-z0-9.-]{1,253}\.[a-z]{2,63}$")
_CACHE_SECONDS = 2.0
"""How long a revoked session or key may still work in another process of the API."""
_TOUCH_SECONDS = 60.0

FAILURES_PER_EMAIL = 8
FAILURES_PER_IP = 60
LOCK = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Login:
    token: str
    session: Session
    customer: Customer


class Identity:
    def __init__(
        self,
        *,
        customers: Customers,
        sessions: Sessions,
        api_keys: ApiKeys,
        attempts: LoginAttempts,
        passwords: Passwords,
        session_lifetime: timedelta,
    ) -> None:
        self._customers = customers
        self._sessions = sessions
        self._api_keys = api_keys
        self._attempts = attempts
        self._passwords = passwords
        self._session_lifetime = session_lifetime
        self._session_cache: Recent[bytes, tuple[Session, Customer]] = Recent(
            seconds=_CACHE_SECONDS, size=50_000
        )
        self._key_cache: Recent[str, tuple[ApiKey, Customer]] = Recent(
            seconds=_CACHE_SECONDS, size=50_000
        )
        self._touched: Recent[str, bool] = Recent(seconds=_TOUCH_SECONDS, size=50_000)

    async def register(self, email: str, password: str, origin: Origin) -> str:
        """The address in its normal form, whether or not it was taken: only its owner learns that,
        from the record of actions.
        """
        address = normal_email(email)
        if not _EMAIL.match(address):
            raise InvalidInput("not an e-mail address")
        refuse_weak(password, address)
        hashed = await self._passwords.hash(password)  # Taken or not, it takes as long.
        customer = await self._customers.register(address, hashed)
        if customer is not None:
            await self._record(customer.id, "registered", origin)
        elif (owner := await self._customers.with_password(address)) is not None:
            await self._record(owner[0].id, "registered_again", origin, succeeded=False)
        return address

    async def log_in(self, email: str, password: str, origin: Origin) -> Customer:
        """The customer. Raises NotAuthenticated the same way whatever was wrong."""
        subjects = _subjects(email, origin.ip)
        await self._refuse_locked(subjects)
        found = await self._customers.with_password(email)
        customer, stored = found if found is not None else (None, None)
        fits = await self._passwords.verify(stored, password)
        if customer is None or stored is None or not fits or customer.status == "closed":
            await self._count_failure(subjects, customer, origin)
            raise NotAuthenticated("wrong e-mail address or password")
        await self._attempts.succeeded(subjects[0])
        return customer

    async def change_password(self, caller: Caller, current: str, new: str) -> None:
        """Ends every other session. Raises NotAuthenticated when `current` is wrong."""
        session, customer = caller.require_session(), caller.customer
        subject = f"password:{customer.id}"
        await self._refuse_locked([subject])
        stored = await self._customers.password_hash(customer.id)
        if not await self._passwords.verify(stored, current):
            await self._attempts.failed(subject, failures_max=FAILURES_PER_EMAIL, lock=LOCK)
            await self._customers.record(caller.action("password_change_failed", succeeded=False))
            raise NotAuthenticated("wrong current password")
        refuse_weak(new, customer.email)
        hashed = await self._passwords.hash(new)
        await self._customers.replace_password(customer.id, hashed, changed_at=datetime.now(UTC))
        ended = await self._sessions.revoke_others(customer.id, session.id)
        self.forget()
        await self._customers.record(caller.action("password_changed", sessions_ended=ended))

    async def open_session(
        self, customer: Customer, origin: Origin, *, stepped_up: bool = False
    ) -> Login:
        token, session = await self._sessions.open(
            customer.id,
            lifetime=self._session_lifetime,
            user_agent=origin.user_agent,
            ip=origin.ip,
            stepped_up=stepped_up,
        )
        await self._record(customer.id, "logged_in", origin, session_id=session.id)
        return Login(token, session, customer)

    async def by_token(self, token: str, origin: Origin) -> Caller:
        """Raises NotAuthenticated or SessionExpired."""
        key = token_hash(token)
        known = self._session_cache.get(key)
        if known is None:
            known = await self._sessions.find(token)
            self._session_cache.put(key, known)
        session, customer = known
        return Caller(customer, origin, session=session)

    async def by_key_id(self, key_id: str, origin: Origin) -> Caller:
        """The owner of a key whose signature has not been checked yet."""
        known = self._key_cache.get(key_id)
        if known is None:
            known = await self._api_keys.find(key_id)
            if known is None:
                raise NotAuthenticated("unknown API key")
            self._key_cache.put(key_id, known)
        key, customer = known
        if not _is_allowed_from(origin.ip, key.ip_allow_list):
            raise PermissionMissing("this API key may not be used from this address")
        return Caller(customer, origin, api_key=key)

    async def note_use(self, key: ApiKey) -> None:
        if self._touched.get(key.id) is None:
            self._touched.put(key.id, value=True)
            await self._api_keys.touch(key.id)

    def forget(self) -> None:
        """Ask the database again for everybody; called after anything about access changed."""
        self._session_cache.clear()
        self._key_cache.clear()

    async def _refuse_locked(self, subjects: list[str]) -> None:
        if await self._attempts.locked_until(subjects) is not None:
            raise RateLimited(
                "too many failed logins; try again later",
                retry_after_seconds=str(int(LOCK.total_seconds())),
            )

    async def _count_failure(
        self, subjects: list[str], customer: Customer | None, origin: Origin
    ) -> None:
        limits = (FAILURES_PER_EMAIL, FAILURES_PER_IP)
        for subject, failures_max in zip(subjects, limits, strict=True):
            await self._attempts.failed(subject, failures_max=failures_max, lock=LOCK)
        if customer is not None:
            await self._record(customer.id, "login_failed", origin, succeeded=False)

    async def _record(
        self,
        customer_id: CustomerId,
        action: str,
        origin: Origin,
        *,
        succeeded: bool = True,
        **details: object,
    ) -> None:
        await self._customers.record(
            Action(
                customer_id=customer_id,
                action=action,
                actor="anonymous",
                ip=origin.ip,
                user_agent=origin.user_agent,
                succeeded=succeeded,
                details=details,
            )
        )


def _subjects(email: str, ip: str) -> list[str]:
    """What failures are counted by; the address as a hash, for it may be a mistyped password."""
    hashed = hashlib.sha256(normal_email(email).encode()).hexdigest()
    return [f"email:{hashed}", f"ip:{ip}"]


def _is_allowed_from(ip: str, allow_list: tuple[str, ...]) -> bool:
    if not allow_list:
        return True
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return False
    return any(address in ipaddress.ip_network(network) for network in allow_list)
