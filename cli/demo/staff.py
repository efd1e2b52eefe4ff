"""An officer of the demo: signs in to the staff portal and acts as the Temporal UI's page would."""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
from typing import Any, Final
from urllib.parse import quote

import httpx

from cli.demo.customer import eventually
from cli.running import Running
from devstack.seed_staff import STAFF, StaffMember

_STEP_SECONDS = 30
_WAIT_FOR_RESULT = "UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_COMPLETED"
_CSRF_COOKIE = "_csrf"
_NOT_NOW: Final = frozenset(
    {
        httpx.codes.REQUEST_TIMEOUT,
        httpx.codes.CONFLICT,  # Aborted.
        httpx.codes.TOO_MANY_REQUESTS,
        499,  # Canceled.
    }
)
"""Client errors by number only: asked again, the same request may pass."""
_EXPIRED = "token has expired"


class Refused(RuntimeError):
    """The update was looked at and turned down: the same again will be, too."""

    def __init__(self, message: str, reason: str = "", kind: str = "") -> None:
        super().__init__(message)
        self.reason = reason
        """The sentence of whoever refused."""
        self.kind = kind
        """The type that the workflow gave its refusal; empty if it was not the workflow's."""


class NoAnswer(RuntimeError):
    """Nobody knows what became of the update; the same id asked again tells, and does it once."""


class Staff:
    """The compliance officer who comes first in the list of local staff."""

    def __init__(self, running: Running, who: StaffMember = STAFF[0]) -> None:
        self._who = who
        self._url = running.staff_url
        self._namespace = running.variables["RIALTO_TEMPORAL_NAMESPACE"]
        self._http = httpx.AsyncClient(
            base_url=self._url, headers={"Origin": self._url}, timeout=30, follow_redirects=False
        )
        self._signing_in = asyncio.Lock()
        self._is_in = False
        self._tried = ""

    async def approve_kyc(self, customer_id: str, reason: str) -> None:
        """Raises Refused and NoAnswer."""
        await self.update(f"kyc/{customer_id}", "approve", {"reason": reason})

    async def update(
        self, workflow_id: str, name: str, argument: dict[str, Any], update_id: str = ""
    ) -> None:
        """Send an update and wait for its result. Raises Refused with the reason, and NoAnswer.

        Whoever asks again after NoAnswer, or a broken connection, gives the same `update_id`.
        """
        await self._sign_in()
        sealed = await self._seal(argument)
        path = f"/api/v1/namespaces/{self._namespace}/workflows/{quote(workflow_id, safe='')}"
        answer = await self._http.post(
            f"{path}/update/{name}",
            headers={"X-Csrf-Token": self._http.cookies.get(_CSRF_COOKIE) or ""},
            json={
                "waitPolicy": {"lifecycleStage": _WAIT_FOR_RESULT},
                "request": {
                    "meta": {"updateId": update_id or secrets.token_hex(16)},
                    "input": {"name": name, "args": sealed},
                },
            },
        )
        self._judge(f"{name} of {workflow_id}", answer)

    async def close(self) -> None:
        await self._http.aclose()

    def _judge(self, what: str, answer: httpx.Response) -> None:
        """Done, refused, or unknown. What did not come from Temporal or the portal is unknown."""
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            self._is_in = False
        try:
            body = answer.json()
        except ValueError:
            body = {}
        outcome = body.get("outcome") or {}
        may_pass = (
            not self._is_in
            or answer.status_code in _NOT_NOW
            or _EXPIRED in str(outcome.get("failure"))
        )
        is_told = "failure" in outcome or (answer.is_client_error and "code" in body)
        if is_told and not may_pass:
            failure = outcome.get("failure") or body
            reason = str(failure.get("message") or failure)
            kind = str((failure.get("applicationFailureInfo") or {}).get("type") or "")
            raise Refused(f"{what} was refused: {reason}", reason, kind)
        if answer.is_error or "success" not in outcome:
            raise NoAnswer(f"{what}: {answer.status_code} {answer.text[:300]}")

    async def _sign_in(self) -> None:
        """Once. A code works once, too: a used one is followed by the next, half a minute on.

        Raises NotInTime, NoAnswer.
        """
        async with self._signing_in:
            if not self._is_in:
                await eventually(f"{self._who.login} signs in", self._enter, 2 * _STEP_SECONDS)
                self._is_in = True
            if self._http.cookies.get(_CSRF_COOKIE) is None:  # The UI's own server gives it.
                answer = await self._http.get("/api/v1/settings")
                if self._http.cookies.get(_CSRF_COOKIE) is None:
                    raise NoAnswer(f"the Temporal UI gives no token: {answer.status_code}")

    async def _enter(self) -> bool | None:
        code = self._who.code()
        if code == self._tried:
            return None  # Five failures in a row would lock the login.
        self._tried = code
        words = {"login": self._who.login, "password": self._who.password}
        answer = await self._http.post("/staff/login", data={**words, "code": code})
        return True if answer.status_code == httpx.codes.SEE_OTHER else None

    async def _seal(self, argument: dict[str, Any]) -> Any:
        """Through the codec server, as the page does: payloads travel encrypted."""
        plain = {
            "metadata": {"encoding": _base64("json/plain")},
            "data": _base64(json.dumps(argument)),
        }
        answer = await self._http.post("/codec/encode", json={"payloads": [plain]})
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            self._is_in = False
        if answer.is_error:
            raise NoAnswer(f"the codec server: {answer.status_code} {answer.text[:300]}")
        return answer.json()


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
