"""Runs the checks: all of it once, and what differs again until it agrees or time is up."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from botocore.exceptions import BotoCoreError, ClientError
from opensearchpy import OpenSearchException
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.projecting.audit.candles import CandlesCheck
from activities.projecting.audit.check import Check, Suspect
from activities.projecting.audit.custody import CustodyCheck
from activities.projecting.audit.search import DocumentsCheck
from activities.projecting.audit.trading import EventsCheck, FillsCheck, OrdersCheck, TradesCheck
from activities.projecting.store import Store
from domain.progress import Watch, unwatched
from projections.listings import Listings
from storage.audit import Finding
from storage.search_index import SearchUnavailable, oldest_month

NAMED_MAX = 20
"""Findings named for each check; the rest is counted."""

_AGAIN_SECONDS = 0.5
_AWAY = (SearchUnavailable, OpenSearchException, BotoCoreError, ClientError)

logger = logging.getLogger(__name__)


@dataclass
class Outcome:
    checked: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def checks(
    engine: AsyncEngine, store: Store, listings: Listings, *, search_trade_months: int
) -> list[Check]:
    """Of one generation; events first, for the others wait on them."""
    dynamo, markets = store.dynamo, listings.markets
    oldest = oldest_month(datetime.now(UTC), search_trade_months)
    return [
        EventsCheck(engine, dynamo),
        TradesCheck(engine, dynamo, markets.keys()),
        FillsCheck(engine, dynamo, markets.keys()),
        OrdersCheck(engine, dynamo, markets),
        CandlesCheck(dynamo, markets.keys()),
        CustodyCheck(engine, dynamo, "deposit"),
        CustodyCheck(engine, dynamo, "withdrawal"),
        DocumentsCheck(store, listings, oldest),
    ]


async def run(
    make: Callable[[], Sequence[Check]], *, wait_seconds: float, watch: Watch = unwatched
) -> Outcome:
    """Every check of `make()`. `wait_seconds` bounds the waiting for projections that are behind,
    of all checks together; what then still differs, or does not answer, is a finding.
    """
    outcome = Outcome([check.name for check in make()])
    deadline = asyncio.get_running_loop().time() + wait_seconds
    for at, name in enumerate(outcome.checked):
        watch("projections against their sources", at, len(outcome.checked))
        try:
            suspects = await _suspects(make, at, deadline)
        except _AWAY as error:
            outcome.findings.append(Finding(name, "no answer", str(error)[:500]))
            continue
        for each in suspects[:NAMED_MAX]:
            outcome.findings.append(Finding(name, each.subject, each.detail))
        if len(suspects) > NAMED_MAX:
            more = f"{len(suspects) - NAMED_MAX} more are off"
            outcome.findings.append(Finding(name, "and", more))
    watch("projections against their sources", len(outcome.checked), len(outcome.checked))
    return outcome


async def _suspects(make: Callable[[], Sequence[Check]], at: int, deadline: float) -> list[Suspect]:
    """What differs to the end. A server that is away is waited for as well."""
    clock = asyncio.get_running_loop().time
    suspects: list[Suspect] | None = None
    while True:
        check = make()[at]  # Anew: a rebuild may have swapped the generations.
        try:
            if suspects is None:
                suspects = [each async for each in check.first()]
            else:
                suspects = await check.again([each.key for each in suspects])
        except _AWAY as error:
            if clock() > deadline:
                raise
            logger.info("will look again", extra={"check": check.name, "error": str(error)[:200]})
        if suspects is not None and (not suspects or clock() > deadline):
            return suspects
        await asyncio.sleep(_AGAIN_SECONDS)
