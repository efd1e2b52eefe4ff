"""The officer of demo and chaos: tells refusals from no answer, and asks again under one id."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from cli.chaos.strangers import PatientStaff
from cli.demo.staff import NoAnswer, Refused, Staff
from cli.running import Running
from devstack.site import Site

DONE = (200, {"outcome": {"success": {"payloads": []}}})
NOT_YET = (200, {"stage": "UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_ADMITTED"})
AWAY = (503, {"code": 14, "message": "upstream connect error"})
TOO_LATE = (504, {"code": 4, "message": "context deadline exceeded"})
NO_TOKEN = (403, {"message": "invalid csrf token"})
EXPIRED = (200, {"outcome": {"failure": {"message": "the staff token has expired; do it again"}}})
TURNED_DOWN = (200, {"outcome": {"failure": {"message": "this case is not waiting"}}})
FORBIDDEN = (403, {"code": 7, "message": "approve is for compliance"})


class BrokenPortal:
    """Answers updates as it is told to, one after another."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, Any]] = []
        self.settings: list[int] = []
        """Status of each answer to come; only 200 brings the token."""
        self.update_ids: list[str] = []
        self.sign_ins = 0
        self.url = ""

    def app(self) -> web.Application:
        app = web.Application()
        app.add_routes(
            [
                web.post("/staff/login", self._sign_in),
                web.get("/api/v1/settings", self._settings),
                web.post("/codec/encode", self._encode),
                web.post("/api/v1/{path:.*}", self._update),
            ]
        )
        return app

    async def _sign_in(self, _: web.Request) -> web.Response:
        self.sign_ins += 1
        return web.Response(status=303, headers={"Location": "/"})

    async def _settings(self, _: web.Request) -> web.Response:
        status = self.settings.pop(0) if self.settings else 200
        answer = web.json_response({}, status=status)
        if status == 200:
            answer.set_cookie("_csrf", "token")
        return answer

    async def _encode(self, request: web.Request) -> web.Response:
        return web.json_response(await request.json())

    async def _update(self, request: web.Request) -> web.Response:
        if request.headers["X-Csrf-Token"] != "token":
            return _answer(NO_TOKEN)
        self.update_ids.append((await request.json())["request"]["meta"]["updateId"])
        return _answer(self.answers.pop(0))


def _answer(told: tuple[int, Any]) -> web.Response:
    status, body = told
    return web.Response(status=status, text=json.dumps(body), content_type="application/json")


@pytest.fixture
async def portal() -> AsyncIterator[BrokenPortal]:
    portal = BrokenPortal()
    runner = web.AppRunner(portal.app())
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    portal.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield portal
    await runner.cleanup()


@pytest.fixture
def running(portal: BrokenPortal, tmp_path: Path) -> Running:
    variables = {"RIALTO_STAFF_URL": portal.url, "RIALTO_TEMPORAL_NAMESPACE": "rialto"}
    return Running(variables, Site(tmp_path))


@pytest.fixture
async def patient(running: Running) -> AsyncIterator[PatientStaff]:
    staff = PatientStaff(running)
    yield staff
    await staff.close()


@pytest.fixture
async def officer(running: Running) -> AsyncIterator[Staff]:
    staff = Staff(running)
    yield staff
    await staff.close()


@pytest.mark.parametrize("unknown", [AWAY, TOO_LATE, NOT_YET, NO_TOKEN, EXPIRED])
async def test_no_answer_is_not_taken_for_one(portal: BrokenPortal, officer: Staff, unknown):
    portal.answers = [unknown]
    with pytest.raises(NoAnswer):
        await officer.approve_kyc("7", "papers seen")


@pytest.mark.parametrize("refusal", [TURNED_DOWN, FORBIDDEN])
async def test_a_refusal_is_told_at_once_even_after_silence(
    portal: BrokenPortal, patient: PatientStaff, refusal
):
    portal.answers = [AWAY, refusal, DONE]
    with pytest.raises(Refused, match="approve of kyc/7"):
        await patient.approve_kyc("7", "papers seen")
    assert portal.answers == [DONE]


async def test_a_patient_officer_asks_until_answered_under_one_id(
    portal: BrokenPortal, patient: PatientStaff
):
    portal.answers = [AWAY, TOO_LATE, NOT_YET, EXPIRED, DONE, DONE]
    await patient.approve_kyc("7", "papers seen")
    await patient.approve_kyc("8", "papers seen")

    assert portal.answers == []
    assert len(portal.update_ids) == 6
    assert len(set(portal.update_ids[:5])) == 1
    assert portal.update_ids[5] != portal.update_ids[4]
    assert portal.sign_ins == 1


async def test_without_the_uis_token_the_officer_asks_for_it_again(
    portal: BrokenPortal, patient: PatientStaff
):
    portal.settings, portal.answers = [502, 200], [DONE]
    await patient.approve_kyc("7", "papers seen")
    assert portal.answers == []
    assert portal.sign_ins == 1
