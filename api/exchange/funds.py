"""Deposits and withdrawals as customers ask for them."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncEngine

from chains.bitcoin import addresses as bitcoin
from chains.bitcoin.network import Network
from chains.ethereum import addresses as ethereum
from domain.errors import AssetPaused, UnknownDeposit, UnknownWithdrawal
from domain.ids import CustomerId
from domain.money import Asset
from storage import addresses, custody_policy, deposits, withdrawals
from storage.addresses import DepositAddress, Derived
from storage.catalog import Catalog
from storage.custody_policy import AssetPolicy
from storage.ledger import Ledger
from storage.withdrawals import Requested, WithdrawalRequest

logger = logging.getLogger(__name__)

BITCOIN = "bitcoin"

StartWorkflow = Callable[[Row[Any]], Awaitable[None]]
"""Starts the workflow of a withdrawal's row, or tells the one that runs."""


@dataclass(frozen=True, slots=True)
class Wanted:
    asset: str
    amount: str
    address: str
    memo: str = ""


class Funds:
    def __init__(
        self,
        *,
        engine: AsyncEngine,
        ledger: Ledger,
        catalog: Catalog,
        network: Network,
        start_workflow: StartWorkflow,
    ) -> None:
        self._engine = engine
        self._ledger = ledger
        self._catalog = catalog
        self._network = network
        self._start_workflow = start_workflow

    async def policy(self, asset: str) -> AssetPolicy:
        """Minima, fees and pauses of an asset. Raises UnknownAsset."""
        async with self._engine.connect() as connection:
            return await custody_policy.read_asset(connection, asset)

    async def policies(self) -> list[AssetPolicy]:
        async with self._engine.connect() as connection:
            return await custody_policy.read_assets(connection)

    async def deposit_address(self, customer_id: CustomerId, asset: str) -> DepositAddress:
        """The customer's address for `asset`, made at the first asking."""
        listed = self._catalog.asset(asset)
        policy = await self.policy(listed.code)
        if not policy.deposit_enabled:
            raise AssetPaused(f"deposits of {listed.code} are paused", asset=listed.code)
        chain = self._catalog.chains[listed.code]
        async with self._engine.begin() as connection:
            return await addresses.current_or_new(
                connection, chain, customer_id, self._derive(chain)
            )

    async def deposits(
        self, customer_id: CustomerId, *, before: datetime | None, limit: int
    ) -> list[Mapping[str, Any]]:
        """Newest first."""
        async with self._engine.connect() as connection:
            return await deposits.list_for(connection, customer_id, before=before, limit=limit)

    async def deposit(
        self, customer_id: CustomerId, deposit_id: str
    ) -> tuple[Mapping[str, Any], list[Mapping[str, Any]]]:
        """One deposit and what happened to it. Raises UnknownDeposit, also for other people's."""
        async with self._engine.connect() as connection:
            row, scanned = await deposits.read(connection, deposit_id)
            if row.customer_id != customer_id:
                raise UnknownDeposit(f"there is no deposit {deposit_id}")
            shown = dict(row._mapping)  # noqa: SLF001 - the public name of a row's mapping
            shown["confirmations"] = deposits.confirmations(row.height, scanned)
            return shown, await deposits.timeline(connection, deposit_id)

    async def withdraw(self, customer_id: CustomerId, key: str, wanted: Wanted) -> Requested:
        """Hold the funds and start the workflow. The same key gives the same withdrawal."""
        asset = self._catalog.asset(wanted.asset)
        requested = await withdrawals.request(
            self._ledger,
            WithdrawalRequest(
                customer_id=customer_id,
                idempotency_key=key,
                asset=asset.code,
                units=asset.parse(wanted.amount).units,
                address=self.normal_address(asset, wanted.address),
                memo=wanted.memo,
            ),
        )
        if not requested.replayed:
            await self._start(requested.row)
        return requested

    async def withdrawals(
        self, customer_id: CustomerId, *, before: datetime | None, limit: int
    ) -> Sequence[Row[Any]]:
        """Newest first."""
        async with self._engine.connect() as connection:
            return await withdrawals.list_for(connection, customer_id, before=before, limit=limit)

    async def withdrawal(
        self, customer_id: CustomerId, withdrawal_id: str
    ) -> tuple[Row[Any], list[Mapping[str, Any]]]:
        """One withdrawal and what happened to it. Raises UnknownWithdrawal."""
        async with self._engine.connect() as connection:
            row = await withdrawals.find(connection, withdrawal_id)
            if row.customer_id != customer_id:
                raise UnknownWithdrawal(f"there is no withdrawal {withdrawal_id}")
            return row, await withdrawals.timeline(connection, withdrawal_id)

    def normal_address(self, asset: Asset, address: str) -> str:
        """The one normal form of an address on the asset's chain. Raises InvalidAddress."""
        if self._catalog.chains[asset.code] == BITCOIN:
            return bitcoin.parse_address(address, self._network).text
        return ethereum.parse_address(address)

    async def _start(self, row: Row[Any]) -> None:
        """The hold is committed, so this may fail: the relay starts what was not started."""
        try:
            await self._start_workflow(row)
            async with self._engine.begin() as connection:
                await withdrawals.mark_told(connection, row.id)
        except Exception as fault:  # noqa: BLE001 - whatever it was, the row has it
            logger.warning(
                "a withdrawal's workflow is left to the relay",
                extra={"withdrawal_id": row.id, "fault": repr(fault)[:200]},
            )

    def _derive(self, chain: str) -> addresses.Derive:
        return self._derive_bitcoin if chain == BITCOIN else _derive_ethereum

    def _derive_bitcoin(self, xpub: str, index: int) -> Derived:
        text = bitcoin.deposit_address(xpub, index, self._network)
        return Derived(text, bitcoin.parse_address(text, self._network).locking_script)


def _derive_ethereum(xpub: str, index: int) -> Derived:
    return Derived(ethereum.deposit_address(xpub, index), None)
