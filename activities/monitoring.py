"""Looking at who moved coins, and writing down what came of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from temporalio import activity

from activities.case_messages import CaseAlert, CaseRecord, CustomerAlerts, Watched
from compliance.monitoring import Alert, Movement, alerts
from domain.ids import CustomerId
from storage.kyc import Audited
from storage.monitoring import CaseRow, OpenAlert

_OVERLAP = timedelta(minutes=1)
"""Rows are dated when their database transaction began, and seen when it ended."""


class Store(Protocol):
    async def now(self) -> datetime: ...
    async def movers(self, since: datetime) -> list[CustomerId]: ...
    async def movements(self, customer_id: CustomerId) -> list[Movement]: ...
    async def raise_alerts(self, customer_id: CustomerId, found: Sequence[Alert]) -> None: ...
    async def open_alerts(self) -> list[OpenAlert]: ...
    async def record_case(
        self,
        row: CaseRow,
        *,
        alert_ids: Sequence[str],
        references: Sequence[str],
        audited: Sequence[Audited],
    ) -> bool: ...


class MonitoringActivities:
    def __init__(self, store: Store) -> None:
        self._store = store

    def all(self) -> Sequence[Callable[..., Any]]:
        return [self.watch, self.record]

    @activity.defn(name="watch_movements")
    async def watch(self, since: datetime) -> Watched:
        """Weigh everybody who moved coins since then. A repeat finds the same alerts raised."""
        until = await self._store.now()
        for customer_id in await self._store.movers(since - _OVERLAP):
            movements = await self._store.movements(customer_id)
            found = alerts(movements, int(until.timestamp()))
            await self._store.raise_alerts(customer_id, found)
        by_customer: defaultdict[int, list[CaseAlert]] = defaultdict(list)
        for each in await self._store.open_alerts():
            by_customer[int(each.customer_id)].append(_for_case(each))
        found_now = [
            CustomerAlerts(customer_id=who, alerts=what) for who, what in by_customer.items()
        ]
        return Watched(until=until, found=found_now)

    @activity.defn(name="case_record")
    async def record(self, record: CaseRecord) -> None:
        """Write the case, its links and the audit lines. A repeat finds them written."""
        row = CaseRow(
            id=record.id,
            customer_id=record.customer_id,
            state=record.state,
            risk_score=record.risk_score,
            outcome=record.outcome,
            reason=record.reason,
            officers=record.officers,
            opened_at=record.opened_at,
            closed_at=record.closed_at,
            changed_at=record.at,
        )
        audited = [Audited(one.actor, one.action, record.id, one.details) for one in record.actions]
        await self._store.record_case(
            row, alert_ids=record.alert_ids, references=record.references, audited=audited
        )


def _for_case(alert: OpenAlert) -> CaseAlert:
    return CaseAlert(
        id=alert.id,
        rule=alert.rule,
        score=alert.score,
        sentence=alert.facts["sentence"],
        references=alert.facts["references"],
    )
