"""Requests and answers: addresses, credentials, problem documents."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx

from rialto_client.schemas import Problem
from rialto_client.signing import ApiKey

Credentials = str | ApiKey | None
"""A session's token, or an API key."""


class RialtoError(Exception):
    """The exchange said no. Branch on `code`."""

    def __init__(self, problem: Problem, retry_after_seconds: float | None = None) -> None:
        super().__init__(f"{problem['code']}: {problem['detail']}")
        self.problem = problem
        self.code = problem["code"]
        self.status = problem["status"]
        self.retry_after_seconds = retry_after_seconds


class Unreachable(Exception):
    """No answer came: of a change the outcome is unknown. Repeat it with the same key."""

    def __init__(self, fault: Exception, idempotency_key: str | None) -> None:
        super().__init__(f"the exchange could not be reached: {fault!r}")
        self.idempotency_key = idempotency_key


class _Requests:
    """What both kinds of transport share: making requests and reading answers."""

    credentials: Credentials = None

    def _request(
        self,
        client: httpx.Client | httpx.AsyncClient,
        call: tuple[str, str],
        query: Mapping[str, Any],
        body: Mapping[str, Any] | None,
        *,
        is_form: bool,
        key: str | None,
    ) -> httpx.Request:
        method, path = call
        headers = {} if key is None else {"Idempotency-Key": key}
        parameters = {name: _text(value) for name, value in query.items() if value is not None}
        if is_form:
            data, files = _form(body or {})
            request = client.build_request(
                method, path, params=parameters, data=data, files=files, headers=headers
            )
        else:
            content = None if body is None else json.dumps(body).encode()
            if content is not None:
                headers["Content-Type"] = "application/json"
            request = client.build_request(
                method, path, params=parameters, content=content, headers=headers
            )
        self._authorize(request, is_form=is_form)
        return request

    def _authorize(self, request: httpx.Request, *, is_form: bool) -> None:
        if isinstance(self.credentials, str):
            request.headers["Authorization"] = f"Bearer {self.credentials}"
        elif self.credentials is not None:
            if is_form:
                raise TypeError("files can only be sent in a session")
            target = request.url.raw_path.decode()
            signed = self.credentials.headers(request.method, target, request.content)
            request.headers.update(signed)


class Transport(_Requests):
    def __init__(self, client: httpx.Client, credentials: Credentials = None) -> None:
        self.client = client
        self.credentials = credentials

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        is_form: bool = False,
        key: str | None = None,
        has_key: bool = False,
    ) -> Any:
        own = key or (str(uuid.uuid4()) if has_key else None)
        request = self._request(
            self.client, (method, path), query or {}, body, is_form=is_form, key=own
        )
        try:
            response = self.client.send(request)
        except httpx.TransportError as fault:
            raise Unreachable(fault, own) from fault
        return _answer(response)


class AsyncTransport(_Requests):
    def __init__(self, client: httpx.AsyncClient, credentials: Credentials = None) -> None:
        self.client = client
        self.credentials = credentials

    async def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        is_form: bool = False,
        key: str | None = None,
        has_key: bool = False,
    ) -> Any:
        own = key or (str(uuid.uuid4()) if has_key else None)
        request = self._request(
            self.client, (method, path), query or {}, body, is_form=is_form, key=own
        )
        try:
            response = await self.client.send(request)
        except httpx.TransportError as fault:
            raise Unreachable(fault, own) from fault
        return _answer(response)


def path_of(template: str, **names: object) -> str:
    """The path with its parameters in their places, percent-encoded."""
    return template.format(**{name: quote(str(value), safe="") for name, value in names.items()})


def _answer(response: httpx.Response) -> Any:
    if response.status_code == HTTPStatus.NO_CONTENT:
        return None
    is_json = "json" in response.headers.get("content-type", "")
    body = response.json() if is_json else None
    if response.is_success:
        return body
    wait = response.headers.get("retry-after", "")
    raise RialtoError(_problem(response, body), float(wait) if wait.isdigit() else None)


def _problem(response: httpx.Response, body: Any) -> Problem:
    """What stands between us and the exchange may answer in its own words."""
    if isinstance(body, dict) and "code" in body:
        return cast("Problem", body)
    is_down = response.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    return {
        "type": "about:blank",
        "title": response.reason_phrase,
        "status": response.status_code,
        "detail": f"the answer was {response.status_code} without a problem document",
        "instance": response.url.path,
        "code": "unavailable" if is_down else "internal_error",
        "request_id": response.headers.get("x-request-id", ""),
    }


def _text(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value


def _form(body: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, Any]]:
    """Fields, and files as `(name, content, media type)`."""
    data = {name: value for name, value in body.items() if isinstance(value, str)}
    return data, {name: value for name, value in body.items() if name not in data}
