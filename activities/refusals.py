"""Refusals end an activity at once: trying again gives the same answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from temporalio.exceptions import ApplicationError

from domain.errors import ExchangeError, Unavailable

_P = ParamSpec("_P")
_T = TypeVar("_T")


def refusals_end_it(step: Callable[_P, Awaitable[_T]]) -> Callable[_P, Awaitable[_T]]:
    """Turn an ExchangeError into an ApplicationError of its code that is not retried.

    All else is a fault and raises as it is: Temporal retries it.
    """

    @wraps(step)
    async def wrapped(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        try:
            return await step(*args, **kwargs)
        except Unavailable:
            raise
        except ExchangeError as refusal:
            raise ApplicationError(
                refusal.message, type=refusal.code, non_retryable=True
            ) from refusal

    return wrapped
