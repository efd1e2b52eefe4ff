"""Turns what FastAPI and Starlette raise into our refusals, so that every error has one shape."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from api.errors import (
    ERRORS,
    BodyTooLarge,
    MalformedJson,
    MethodNotAllowed,
    UnknownRoute,
    problem_response,
)
from domain.errors import ExchangeError, InvalidInput

_ERRORS_SHOWN_MAX = 20


def install(app: FastAPI) -> None:
    app.add_exception_handler(ExchangeError, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)


class _Coded(ExchangeError):
    """A refusal whose code was decided by a field's type, such as `invalid_amount`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def _answer(
    request: Request,
    error: ExchangeError,
    errors: Sequence[Mapping[str, str]] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    return problem_response(
        error,
        request_id=request.scope.get("state", {}).get("request_id", ""),
        instance=request.url.path,
        errors=errors,
        headers=headers,
    )


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, ExchangeError)
    return _answer(request, error)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = error.errors()[:_ERRORS_SHOWN_MAX]
    shown = [{"pointer": pointer(item["loc"]), "detail": str(item["msg"])} for item in found]
    if any(item["type"] == "json_invalid" for item in found):
        return _answer(request, MalformedJson("the body is not valid JSON"))
    first = next((item for item in found if item["type"] in ERRORS), None)
    if first is not None:
        detail = f"{pointer(first['loc'])}: {first['msg']}"
        return _answer(request, _Coded(first["type"], detail), shown)
    detail = "; ".join(f"{item['pointer']}: {item['detail']}" for item in shown[:3])
    return _answer(request, InvalidInput(detail or "the request is wrong"), shown)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if isinstance(error.__cause__, ExchangeError):
        return _answer(request, error.__cause__)
    refusal = _refusal_of_status(request, error.status_code)
    return _answer(request, refusal, headers=error.headers)


def _refusal_of_status(request: Request, status: int) -> ExchangeError:
    if status == 404:
        return UnknownRoute(f"there is no route {request.method} {request.url.path[:200]}")
    if status == 405:
        return MethodNotAllowed(f"{request.method} is not for {request.url.path[:200]}")
    if status == 413:
        return BodyTooLarge("the body is too large")
    return MalformedJson("the body cannot be read")


def pointer(location: Iterable[Any]) -> str:
    """`("body", "price")` as `/price`, `("query", "limit")` as `query:limit`."""
    parts = [str(part) for part in location]
    if not parts:
        return "/"
    if parts[0] == "body":
        return "/" + "/".join(parts[1:])
    return f"{parts[0]}:{'.'.join(parts[1:])}"
