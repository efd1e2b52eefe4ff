"""An officer of the demo: signs in to the staff portal and acts as the Temporal UI's page would."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any
from urllib.parse import quote

import httpx

from cli.demo.customer import eventually
from cli.running import Running
from devstack.seed_staff import STAFF, StaffMember

_STEP_SECONDS = 30
_WAIT_FOR_RESULT = "UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_COMPLETED"


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
        await self.update(f"kyc/{customer_id}", "approve", {"reason": reason})

    async def update(self, workflow_id: str, name: str, argument: dict[str, Any]) -> None:
        """Send an update and wait for its result. Raises RuntimeError with the refusal's words."""
        await self._sign_in()
        sealed = await self._seal(argument)
        path = f"/api/v1/namespaces/{self._namespace}/workflows/{quote(workflow_id, safe='')}"
        answer = await self._http.post(
            f"{path}/update/{name}",
            headers={"X-Csrf-Token": self._http.cookies.get("_csrf") or ""},
            json={
                "waitPolicy": {"lifecycleStage": _WAIT_FOR_RESULT},
                "request": {"input": {"name": name, "args": sealed}},
            },
        )
        body = answer.json()
        failure = body.get("outcome", {}).get("failure")
        if answer.is_error or failure:
            raise RuntimeError(f"{name} of {workflow_id} was refused: {failure or body}")

    async def close(self) -> None:
        await self._http.aclose()

    async def _sign_in(self) -> None:
        """Once. A code works once, too: a used one is followed by the next, half a minute on."""
        async with self._signing_in:
            if not self._is_in:
                await eventually(f"{self._who.login} signs in", self._enter, 2 * _STEP_SECONDS)
                await self._http.get("/api/v1/settings")  # The UI's own server gives its token.
                self._is_in = True

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
        answer.raise_for_status()
        return answer.json()


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
