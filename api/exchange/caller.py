"""Who is calling, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from domain.errors import PermissionMissing, SecondFactorRequired
from domain.ids import CustomerId
from storage.api_keys import ApiKey
from storage.customers import Action, Customer
from storage.sessions import Session


class Scope(StrEnum):
    READ = "read"
    TRADE = "trade"
    WITHDRAW = "withdraw"


EVERY_SCOPE = frozenset(Scope)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request comes from."""

    ip: str
    user_agent: str


@dataclass(frozen=True, slots=True)
class Caller:
    """A customer, through a session (every scope) or an API key (its own scopes)."""

    customer: Customer
    origin: Origin
    session: Session | None = None
    api_key: ApiKey | None = None

    @property
    def customer_id(self) -> CustomerId:
        return self.customer.id

    @property
    def scopes(self) -> frozenset[str]:
        return self.api_key.scopes if self.api_key is not None else EVERY_SCOPE

    @property
    def actor(self) -> str:
        """How the record of actions names the caller; never a whole key."""
        if self.api_key is not None:
            return f"key:{self.api_key.id[:8]}"
        return f"session:{self.session.id}" if self.session is not None else "anonymous"

    def require(self, scope: Scope) -> None:
        """Raises PermissionMissing unless this caller may do what `scope` allows."""
        if scope not in self.scopes:
            raise PermissionMissing(f"this API key lacks the scope {scope}", scope=scope)
        if scope != Scope.READ and self.customer.status != "active":
            raise PermissionMissing(f"the account is {self.customer.status}")

    def require_session(self) -> Session:
        """The session. Raises PermissionMissing for API keys: they cannot manage the account."""
        if self.session is None:
            raise PermissionMissing("only a logged-in person may do this, not an API key")
        return self.session

    def require_recent_step_up(self, now: datetime, within: timedelta) -> None:
        """Raises SecondFactorRequired unless a second factor was proved lately."""
        proved = self.require_session().stepped_up_at
        if proved is None or now - proved > within:
            raise SecondFactorRequired("prove your second factor first")

    def action(self, name: str, *, succeeded: bool = True, **details: object) -> Action:
        return Action(
            customer_id=self.customer_id,
            action=name,
            actor=self.actor,
            ip=self.origin.ip,
            user_agent=self.origin.user_agent,
            succeeded=succeeded,
            details=details,
        )
