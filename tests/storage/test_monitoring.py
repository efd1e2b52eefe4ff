"""Monitoring, the travel rule and re-screening on a real database: what is read, what is kept."""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.case_messages import CaseAlert, CaseRecord
from activities.compliance import AddressScreening
from activities.kyc_messages import AuditAction
from activities.monitoring import MonitoringActivities
from activities.originators import OriginatorScreening
from activities.rescreening import RescreeningActivities
from activities.screening import ListScreening
from activities.screening_messages import ScreenAddress
from activities.travel_rule import TravelRule
from compliance.lists.known import parse_list
from compliance.screening import HIT_SCORE_MIN
from compliance.tiers import REFERENCE_SCALE
from devstack.rented import Database
from storage.engine import create_engine
from storage.kyc import KycStore
from storage.monitoring import MonitoringStore
from storage.screening import ScreeningStore
from storage.travel_rule import TravelRuleStore
from streams.envelope import Envelope
from tests.kyc.conftest import LocalKeys
from tests.storage.transfers import SilentNetwork, company, person, sent_by

_numbers = itertools.count(1)
COIN = 10**8
BITCOIN = 60_000  # What the first migration values a whole one at, in USDT.


@dataclass
class Office:
    """The compliance worker's activities on one database."""

    owner: AsyncEngine
    worker: AsyncEngine
    network: SilentNetwork

    @property
    def monitoring(self) -> MonitoringActivities:
        return MonitoringActivities(MonitoringStore(self.worker))

    @property
    def travel_rule(self) -> TravelRule:
        transfers = TravelRuleStore(self.worker)
        lists = ListScreening(ScreeningStore(self.worker))
        originators = OriginatorScreening(lists, MonitoringStore(self.worker))
        store = KycStore(self.worker)
        return TravelRule(transfers, store, self.network, _envelope(), originators)

    @property
    def screening(self) -> AddressScreening:
        transfers = TravelRuleStore(self.worker)
        return AddressScreening(ScreeningStore(self.worker), self.travel_rule, transfers)

    async def customer(self, tier: int = 1) -> int:
        number = next(_numbers)
        statement = text(
            "INSERT INTO customers (email, kyc_tier) VALUES (:email, :tier) RETURNING id"
        )
        async with self.owner.begin() as connection:
            found = await connection.execute(
                statement, {"email": f"{number}@example.com", "tier": tier}
            )
            return int(found.scalar_one())

    async def deposit(self, customer_id: int, units: int, *, hours_ago: float = 1) -> str:
        txid = f"t{next(_numbers)}"
        async with self.owner.begin() as connection:
            await connection.execute(
                text(
                    "INSERT INTO deposits (id, chain, txid, index, asset, units, address,"
                    " customer_id, status, credit_confirmations, withdrawable_confirmations,"
                    " first_seen_at) VALUES (:id, 'bitcoin', :txid, 0, 'BTC', :units, 'a', :who,"
                    " 'detected', 1, 1, now() - make_interval(hours => :hours))"
                ),
                {
                    "id": f"bitcoin:{txid}:0",
                    "txid": txid,
                    "units": units,
                    "who": customer_id,
                    "hours": hours_ago,
                },
            )
        return f"bitcoin:{txid}:0"

    async def alerts_of(self, customer_id: int) -> list[CaseAlert]:
        """What is found now, and belongs to no case."""
        watched = await self.monitoring.watch(datetime.now(UTC) - timedelta(days=1))
        found = [each.alerts for each in watched.found if each.customer_id == customer_id]
        return found[0] if found else []

    async def rows(self, statement: str, **parameters: object) -> list[Any]:
        async with self.owner.connect() as connection:
            return list((await connection.execute(text(statement), parameters)).all())


def _envelope() -> Envelope:
    return Envelope(LocalKeys(), {"about": "tests"})


@pytest.fixture
async def office(database: Database) -> AsyncIterator[Office]:
    owner = create_engine(database.owner, application="tests")
    worker = create_engine(database.worker, application="tests")
    yield Office(owner, worker, SilentNetwork())
    await owner.dispose()
    await worker.dispose()


async def test_structured_deposits_raise_one_alert_that_waits_for_a_case(office: Office):
    customer_id = await office.customer()
    near = 9_000 * COIN // BITCOIN
    ids = [await office.deposit(customer_id, near, hours_ago=hours) for hours in (3, 2, 1)]
    since = datetime.now(UTC) - timedelta(days=1)

    first = await office.monitoring.watch(since)
    again = await office.monitoring.watch(since)

    found = [each for each in first.found if each.customer_id == customer_id]
    assert [alert.rule for alert in found[0].alerts] == ["structuring"]
    assert found[0].alerts[0].references == [f"deposit/{each}" for each in ids]
    assert again.found == first.found
    assert first.until <= again.until


async def test_an_alert_in_a_case_is_told_no_more_and_the_case_is_written_with_its_links(
    office: Office,
):
    customer_id = await office.customer()
    for hours in (3, 2, 1):
        await office.deposit(customer_id, 9_000 * COIN // BITCOIN, hours_ago=hours)
    since = datetime.now(UTC) - timedelta(days=1)
    alert = (await office.alerts_of(customer_id))[0]
    record = CaseRecord(
        id=f"case/{customer_id}/run",
        customer_id=customer_id,
        state="open",
        risk_score=70,
        opened_at=since,
        at=since,
        alert_ids=[alert.id],
        references=[f"kyc/{customer_id}", *alert.references],
        actions=[AuditAction(actor="monitoring", action="case.opened")],
    )

    await office.monitoring.record(record)
    await office.monitoring.record(record)

    assert await office.alerts_of(customer_id) == []
    links = await office.rows(
        "SELECT reference FROM case_links WHERE case_id = :id ORDER BY 1", id=record.id
    )
    assert [row.reference for row in links] == sorted(record.references)
    audited = await office.rows("SELECT actor FROM audit_log WHERE subject = :id", id=record.id)
    assert [row.actor for row in audited] == ["monitoring"]


async def test_the_audit_log_is_only_added_to(office: Office):
    with pytest.raises(Exception, match="audit_log"):
        async with office.worker.begin() as connection:
            await connection.execute(text("DELETE FROM audit_log"))
    with pytest.raises(Exception, match="audit_log"):
        async with office.worker.begin() as connection:
            await connection.execute(text("UPDATE audit_log SET actor = 'nobody'"))


def asked(customer_id: int, amount: str, reference: str, subject: str = "deposit") -> ScreenAddress:
    return ScreenAddress(
        subject=subject,
        customer_id=customer_id,
        chain="bitcoin",
        addresses=["bcrt1qsomewhere"],
        asset="BTC",
        amount=amount,
        reference=reference,
        txid=reference,
    )


async def test_a_large_deposit_waits_for_its_senders_data_and_a_small_one_does_not(office: Office):
    customer_id = await office.customer()

    small = await office.screening.screen_address(asked(customer_id, "0.01", "deposit/s"))
    large = await office.screening.screen_address(asked(customer_id, "0.02", "deposit/l"))

    assert (small.is_clear, small.travel_rule_due) == (True, False)
    assert (large.is_clear, large.awaits_originator) == (False, True)
    assert "originator" in large.reason


async def test_a_listed_address_is_found_coming_and_going_and_raises_an_alert(office: Office):
    content = b"address,category\nbcrt1qofamixer,mixer\n"
    await ScreeningStore(office.worker).replace_list(parse_list("addresses-mixers", [content]))
    customer_id = await office.customer()
    coming = f"deposit/{await office.deposit(customer_id, COIN // 1_000)}"
    for reference, subject in ((coming, "deposit"), ("withdrawal/w-mixer", "withdrawal")):
        request = asked(customer_id, "0.001", reference, subject)
        request.addresses = ["bcrt1qsomewhere", "BCRT1QOFAMIXER"]

        found = await office.screening.screen_address(request)

        assert (found.is_clear, found.score) == (False, 100)
        assert found.reason == "mixer by addresses-mixers"
        rows = await office.rows("SELECT * FROM screenings WHERE reference = :r", r=reference)
        assert [(row.subject, row.clear, row.score) for row in rows] == [("address", False, 100)]
        assert "addresses-mixers" in rows[0].lists
    [alert] = await office.alerts_of(customer_id)
    assert (alert.rule, alert.references) == ("mixer_exposure", [coming])


async def test_data_that_came_is_kept_sealed(office: Office):
    customer_id = await office.customer()
    name = {"nameIdentifier": [{"primaryIdentifier": "Quistgaard"}]}
    office.network.payload = sent_by({"naturalPerson": {"name": name}})

    large = await office.screening.screen_address(asked(customer_id, "0.02", "deposit/kept"))

    assert large.is_clear
    row = (
        await office.rows("SELECT * FROM travel_rule_messages WHERE reference = 'deposit/kept'")
    )[0]
    assert row.state == "received"
    assert b"Quistgaard" not in row.sealed


@pytest.fixture
async def wanted(office: Office) -> None:
    """A list with a person and a company on it."""
    content = (
        b"id,schema,name\n41,Person,Thorvald Ipsen Kvikksund\n42,Company,Blackgannet Shipping\n"
    )
    await ScreeningStore(office.worker).replace_list(parse_list("pep", [content]))


@pytest.mark.usefixtures("wanted")
@pytest.mark.parametrize(
    ("sender", "entry"),
    [(person("Torvald", "Ipsen Kviksund"), "41"), (company("Blackgannet Shiping"), "42")],
    ids=["person", "company"],
)
async def test_a_sender_named_like_somebody_listed_holds_the_deposit_and_opens_a_case(
    office: Office, sender: dict[str, Any], entry: str
):
    customer_id, reference = await office.customer(), f"deposit/from-{entry}"
    office.network.payload = sent_by(sender)

    held = await office.screening.screen_address(asked(customer_id, "0.02", reference))
    await office.screening.screen_address(asked(customer_id, "0.02", reference))

    assert (held.is_clear, held.awaits_originator) == (False, False)
    assert held.score >= HIT_SCORE_MIN
    assert held.reason == f"the sender's name is like entry {entry} of pep"
    [alert] = await office.alerts_of(customer_id)  # Once, however often it is asked about.
    assert (alert.rule, alert.references) == ("listed_originator", [reference])
    assert all(f"(pep {entry})" in line for line in held.for_officers)
    rows = await office.rows("SELECT * FROM screenings WHERE reference = :r", r=reference)
    weighed = [row for row in rows if row.subject == "originator"]
    assert [(row.clear, row.matches[0]["uid"]) for row in weighed] == [(False, entry)] * 2
    stored = f"{held.stored()} {rows} {alert}".lower()
    for word in ("kvik", "gannet"):
        assert word not in stored
    assert any(word in str(held.for_officers).lower() for word in ("kvik", "gannet"))


@pytest.mark.usefixtures("wanted")
async def test_a_sender_who_is_on_no_list_is_screened_and_credited(office: Office):
    customer_id = await office.customer()
    office.network.payload = sent_by(person("Ingrid", "Solvang"))

    large = await office.screening.screen_address(asked(customer_id, "0.02", "deposit/clear"))

    assert large.is_clear
    rows = await office.rows(
        "SELECT subject, clear FROM screenings WHERE reference = 'deposit/clear' ORDER BY subject"
    )
    assert [tuple(row) for row in rows] == [("address", True), ("originator", True)]
    assert await office.alerts_of(customer_id) == []


@pytest.mark.usefixtures("wanted")
async def test_a_workflow_from_before_leaves_the_deposit_of_a_listed_sender_in_quarantine(
    office: Office,
):
    request = asked(await office.customer(), "0.02", "deposit/before")
    office.network.payload = sent_by(person("Torvald", "Ipsen Kviksund"))
    assert not await office.travel_rule.has_originator(request)

    office.network.payload = sent_by(person("Ingrid", "Solvang"))
    assert await office.travel_rule.has_originator(request)


async def test_a_network_that_is_away_holds_the_deposit_and_its_screening_is_written_down(
    office: Office,
):
    customer_id = await office.customer()
    office.network.is_away = True

    large = await office.screening.screen_address(asked(customer_id, "0.02", "deposit/away"))

    assert (large.is_clear, large.awaits_originator) == (False, True)
    assert "cannot be reached" in large.reason
    rows = await office.rows("SELECT clear FROM screenings WHERE reference = 'deposit/away'")
    assert [row.clear for row in rows] == [True]  # Of the addresses, that is.


async def test_half_a_message_leaves_the_deposit_in_quarantine(office: Office):
    office.network.payload = {"originator": {"originatorPersons": []}}

    large = await office.screening.screen_address(
        asked(await office.customer(), "0.02", "deposit/half")
    )

    assert large.awaits_originator


async def test_a_lowered_tier_counts_from_the_next_deposit_on(office: Office):
    customer_id = await office.customer(tier=2)
    store = TravelRuleStore(office.worker)
    million = 1_000_000 * 10**REFERENCE_SCALE
    assert await store.count_deposit(customer_id, "deposit/1", 60 * million // 1000) == ""

    async with office.owner.begin() as connection:
        await connection.execute(
            text("UPDATE customers SET kyc_tier = 1 WHERE id = :id"), {"id": customer_id}
        )

    assert "24-hour deposit limit" in await store.count_deposit(customer_id, "deposit/2", 1)
    assert await store.count_deposit(customer_id, "deposit/1", 60 * million // 1000) == ""


async def test_a_deposit_over_the_limit_is_held_for_an_officer(office: Office):
    customer_id = await office.customer(tier=1)
    office.network.payload = sent_by(company("Mill"))

    screened = await office.screening.screen_address(asked(customer_id, "1", "deposit/big"))

    assert (screened.is_clear, screened.awaits_originator) == (False, False)
    assert "24-hour deposit limit" in screened.reason


async def test_a_new_list_finds_customers_until_their_case_knows_or_an_officer_cleared_them(
    office: Office,
):
    customer_id = await office.customer()
    envelope, store = _envelope(), KycStore(office.worker)
    lists = ScreeningStore(office.worker)
    screening = ListScreening(lists)
    profile = {
        "given_names": "Zanele",
        "family_name": "Abernathy-Quill",
        "birth_date": "1980-05-05",
        "nationality": "ZA",
        "country": "ZA",
        "address": "1 Long Street",
    }
    about = f"customer:{customer_id}".encode()
    sealed = await envelope.seal_packed(json.dumps(profile).encode(), about)
    async with office.owner.begin() as connection:
        await connection.execute(
            text("INSERT INTO kyc_profiles (customer_id, sealed) VALUES (:id, :sealed)"),
            {"id": customer_id, "sealed": sealed},
        )
    activities = RescreeningActivities(store, lists, screening, envelope)
    before = await activities.page(customer_id - 1)

    content = b"id,schema,name\n7,Person,Zanele Abernathi Quill\n"
    assert await lists.replace_list(parse_list("pep", [content]))
    assert not await lists.replace_list(parse_list("pep", [content]))
    after = await activities.page(customer_id - 1)

    assert (before.names, before.hits) == (1, [])
    assert [(hit.customer_id, hit.list_name) for hit in after.hits] == [(customer_id, "pep")]
    assert (await activities.page(after.last_customer_id)).names == 0

    await screening.screen(customer_id, _profile(profile))  # As the customer's case does.
    assert (await activities.page(customer_id - 1)).hits == []


def _profile(fields: dict[str, str]) -> Any:
    import msgspec

    from compliance.profile import Profile

    return msgspec.json.decode(json.dumps(fields), type=Profile)
