"""Rate limits: announced in every answer, counted for all processes together, fair by weight."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator

import pytest
from valkey.asyncio import Valkey
from websockets.exceptions import InvalidStatus

from api.exchange.rate_limits import Policy, RateLimits, Subject, TooOften, headers
from devstack.rented import RentedStack
from tests.api.conftest import Exchange, problem
from tests.api.test_api_keys import signer
from tests.api.test_bad_input import LIMIT

SLOW = Policy("test", per_second=0.1, burst=20)
_ANNOUNCED = re.compile(r'^"(key|account|address)";q=\d+;w=\d+$')
_LEFT = re.compile(r'^"(key|account|address)";r=(\d+);t=\d+$')


@pytest.fixture
async def valkey(stack: RentedStack) -> AsyncIterator[Valkey]:
    stack.require("valkey")
    client = Valkey.from_url(stack.env["RIALTO_VALKEY_URL"])
    yield client
    await client.aclose()


async def taken(limits: RateLimits, subject: Subject, *, weight: int = 1) -> int:
    """How often it is allowed before the first refusal."""
    count = 0
    try:
        while count < 1_000:
            await limits.take([subject], weight)
            count += 1
    except TooOften:
        pass
    return count


async def test_a_burst_is_all_there_is(valkey: Valkey) -> None:
    assert await taken(RateLimits(valkey), Subject(SLOW, "burst")) == SLOW.burst


async def test_weight_counts(valkey: Valkey) -> None:
    assert await taken(RateLimits(valkey), Subject(SLOW, "weight"), weight=5) == SLOW.burst // 5


async def test_two_processes_share_one_bucket(valkey: Valkey) -> None:
    subject = Subject(SLOW, "shared")
    one, other = RateLimits(valkey), RateLimits(valkey)
    for _ in range(10):
        await one.take([subject], 1)

    # What the first holds in advance is not the second's to spend.
    assert await taken(other, subject) <= SLOW.burst - 10
    with pytest.raises(TooOften):
        await other.take([subject], 1)


async def test_tokens_come_back_with_time(valkey: Valkey) -> None:
    quick = Subject(Policy("test", per_second=200.0, burst=5), "quick")
    limits = RateLimits(valkey)
    await taken(limits, quick)

    async with asyncio.timeout(5):
        while True:
            try:
                await limits.take([quick], 1)
            except TooOften:
                await asyncio.sleep(0.01)
            else:
                return


async def test_who_is_refused_by_one_policy_pays_nothing_in_the_other(valkey: Valkey) -> None:
    limits = RateLimits(valkey)
    narrow, wide = Subject(SLOW, "narrow"), Subject(Policy("test", 0.1, 100), "wide")
    await taken(limits, narrow)

    for _ in range(200):
        with pytest.raises(TooOften):
            await limits.take([wide, narrow], 1)

    assert await taken(limits, wide) == 100


async def test_without_valkey_each_process_counts_for_itself() -> None:
    nowhere = Valkey(port=1, socket_connect_timeout=0.2)

    assert await taken(RateLimits(nowhere), Subject(SLOW, "alone")) == SLOW.burst


async def test_what_is_left_is_told(valkey: Valkey) -> None:
    standing = await RateLimits(valkey).take([Subject(SLOW, "told")], 5)

    assert dict(headers(standing)) == {
        b"ratelimit-policy": b'"test";q=20;w=200',
        b"ratelimit": b'"test";r=15;t=50',
    }


async def test_every_answer_says_how_the_caller_stands(exchange: Exchange) -> None:
    person = await exchange.person()
    bot = await signer(exchange, person)

    answers = {
        "address": await exchange.http.get("/v1/time"),
        "account": await person.http.get("/v1/balances"),
        "key": await bot.send("GET", "/v1/balances"),
    }

    for policy, answer in answers.items():
        announced = _ANNOUNCED.match(answer.headers["ratelimit-policy"])
        assert announced is not None
        assert announced[1] == policy
        left = _LEFT.match(answer.headers["ratelimit"])
        assert left is not None
        assert int(left[2]) > 0


async def test_who_asks_too_often_waits_and_others_do_not(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, other = await exchange.person(), await exchange.person()
    monkeypatch.setattr(
        exchange.services.rate_limits, "account", Policy("account", per_second=0.01, burst=3)
    )

    answers = [await person.http.get("/v1/account") for _ in range(4)]

    assert [each.status_code for each in answers[:3]] == [200, 200, 200]
    problem(answers[3], 429, "rate_limited")
    assert int(answers[3].headers["retry-after"]) > 60
    assert answers[3].headers["ratelimit"].startswith('"account";r=0;')
    assert (await other.http.get("/v1/account")).status_code == 200


async def test_who_connects_too_often_is_refused_before_the_handshake(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = Policy("address-socket", per_second=0.01, burst=2)
    monkeypatch.setattr(exchange.services.rate_limits, "address", address)

    async with exchange.socket():
        with pytest.raises(InvalidStatus) as refused:
            async with exchange.socket():
                pass

    assert refused.value.response.status_code == 429
    assert b"rate_limited" in (refused.value.response.body or b"")


async def test_orders_over_the_socket_count_as_well(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await exchange.person(USDT="1000")
    account = Policy("account", per_second=0.01, burst=2)
    async with exchange.socket(person) as socket:
        monkeypatch.setattr(exchange.services.rate_limits, "account", account)
        answers = [await socket.ask("place", order=LIMIT) for _ in range(3)]

    assert [each["type"] for each in answers] == ["reply", "reply", "error"]
    assert answers[2]["problem"]["code"] == "rate_limited"


async def test_guessing_costs_the_address(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = Policy("address-guess", per_second=0.01, burst=30)
    monkeypatch.setattr(exchange.services.rate_limits, "address", address)
    guess = exchange.client(authorization="Bearer rs_invented")

    codes = [(await guess.get("/v1/account")).status_code for _ in range(4)]

    assert codes == [401, 401, 401, 429]
