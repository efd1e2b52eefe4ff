"""One request of the dialect, however it came: REST and WebSocket API share their handlers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from api.dialect import errors
from api.dialect.parameters import Parameters
from api.dialect.parts import DialectParts
from api.exchange.caller import Caller, Origin, Scope
from api.services import Services
from domain.ids import CustomerId
from domain.market import Market

_MICROSECONDS_FROM = 10**14
_YEAR_3000_MS = 32_503_680_000_000


@dataclass(slots=True)
class Call:
    services: Services
    parameters: Parameters
    origin: Origin
    caller: Caller | None = None
    headers: dict[str, str] = field(default_factory=dict)
    """To answer with; the WebSocket API has no use for them."""

    @property
    def parts(self) -> DialectParts:
        return self.services.dialect

    @property
    def customer_id(self) -> CustomerId:
        assert self.caller is not None
        return self.caller.customer_id

    def market(self) -> Market:
        """Of the mandatory parameter `symbol`. Raises -1102 or -1121."""
        return self.parts.symbols.asked(self.parameters)

    def moment(self, name: str) -> datetime | None:
        """A time in milliseconds, or in microseconds when it is that large."""
        found = self.milliseconds(name)
        return None if found is None else datetime.fromtimestamp(found / 1000, UTC)

    def milliseconds(self, name: str) -> int | None:
        found = self.parameters.whole(name)
        if found is None:
            return None
        if found >= _MICROSECONDS_FROM:
            found //= 1000
        if found > _YEAR_3000_MS:
            raise errors.invalid(name)
        return found


Handler = Callable[[Call], Awaitable[Any]]


class Security(StrEnum):
    NONE = "none"
    KEY = "key"
    """The API key alone."""
    SIGNED = "signed"


@dataclass(frozen=True, slots=True)
class Endpoint:
    handler: Handler
    weight: int | Callable[[Parameters], int] = 1
    security: Security = Security.NONE
    scope: Scope = Scope.READ
    orders: int = 0
    """How many orders it places: they are counted, and a signature works for them only once."""
    is_wallet: bool = False

    def weight_of(self, parameters: Parameters) -> int:
        return self.weight if isinstance(self.weight, int) else self.weight(parameters)
