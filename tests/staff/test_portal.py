"""What the portal answers when something behind it is away."""

from __future__ import annotations

from typing import Any

import aiohttp
from aiohttp.test_utils import TestServer

from api.staff.portal import Portal, PortalParts
from api.staff.settings import StaffSettings
from domain.errors import Unavailable

URL = "http://staff.test"


class Overrun:
    """A login that has no room for one more password."""

    async def sign_in(self, *_: str) -> str:
        raise Unavailable("too many people are logging in; try again")


async def test_not_now_is_no_refusal():
    settings: Any = StaffSettings.model_construct(staff_url=URL, temporal_namespace="rialto")
    parts = PortalParts(settings, *[Overrun()] * 7)  # type: ignore[arg-type]
    words = {"login": "amir", "password": "secret", "code": "123456"}
    async with TestServer(Portal(parts).app()) as server, aiohttp.ClientSession() as officer:
        answer = await officer.post(
            server.make_url("/staff/login"), data=words, headers={"Origin": URL}
        )
        assert answer.status == 503
        assert (await answer.json())["code"] == 14
