"""Which outside failures are "a part is down" to a caller: a clear 503, never a 500."""

from __future__ import annotations

import asyncpg
import valkey.exceptions
from botocore.exceptions import BotoCoreError, ClientError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from temporalio.client import RPCTimeoutOrCancelledError
from temporalio.service import RPCError, RPCStatusCode

from api.errors import OutcomeUnknownAnswer
from domain.errors import ExchangeError, Unavailable
from storage.group_commit import OutcomeUnknown
from streams.aws import is_transient

_CONNECTION_FAULTS = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InterfaceError,
    PoolTimeoutError,
    valkey.exceptions.ConnectionError,
    valkey.exceptions.TimeoutError,
)
_RPC_DOWN = frozenset(
    {
        RPCStatusCode.UNAVAILABLE,
        RPCStatusCode.DEADLINE_EXCEEDED,
        RPCStatusCode.CANCELLED,
        RPCStatusCode.RESOURCE_EXHAUSTED,
    }
)


def refusal_of(fault: Exception) -> ExchangeError | None:
    """The refusal to answer with; None when `fault` is a bug of ours."""
    if isinstance(fault, ExchangeError):
        return fault
    if isinstance(fault, OutcomeUnknown):
        return OutcomeUnknownAnswer("the connection to the database broke; look it up by your id")
    if isinstance(fault, RPCTimeoutOrCancelledError):  # An update was sent; no answer came.
        return OutcomeUnknownAnswer("the workflow did not answer in time; look at it again")
    part = _part_that_is_down(fault)
    return (
        None if part is None else Unavailable(f"{part} cannot be reached at the moment", part=part)
    )


def _part_that_is_down(fault: Exception) -> str | None:
    if isinstance(fault, DBAPIError):
        cause = getattr(fault.orig, "__cause__", None)
        down = fault.connection_invalidated or isinstance(cause, _CONNECTION_FAULTS)
        return "the database" if down else None
    if isinstance(fault, RPCError):
        return "the workflow service" if fault.status in _RPC_DOWN else None
    if isinstance(fault, RuntimeError):  # What the SDK's core raises when it cannot connect.
        return "the workflow service" if "client connect" in str(fault) else None
    if isinstance(fault, BotoCoreError | ClientError):
        return "a cloud service" if is_transient(fault) else None
    if isinstance(fault, valkey.exceptions.ValkeyError):
        return "the message bus" if isinstance(fault, _CONNECTION_FAULTS) else None
    return "a part of the exchange" if isinstance(fault, _CONNECTION_FAULTS) else None
