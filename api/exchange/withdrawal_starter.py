"""Starts the workflow of a withdrawal that was just requested."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row
from temporalio.client import Client

from domain.money import format_units
from storage.catalog import Catalog
from workflows.start import Subject, start_withdrawal


class WithdrawalStarter:
    def __init__(self, client: Client, catalog: Catalog) -> None:
        self._client = client
        self._catalog = catalog

    async def start(self, row: Row[Any]) -> None:
        asset = self._catalog.asset(row.asset)
        subject = Subject(
            state=row.status,
            asset=row.asset,
            chain=row.chain,
            customer_id=row.customer_id,
            amount=f"{format_units(int(row.units), asset.scale)} {asset.code}",
        )
        await start_withdrawal(self._client, row.id, subject)
