"""Deposits and withdrawals as customers ask for them."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from api.exchange.checked_address import once_checked
from chains.bitcoin import addresses as bitcoin
from chains.bitcoin.network import Network
from chains.ethereum import addresses as ethereum
from domain.errors import AssetPaused, UnknownDeposit, UnknownWithdrawal, WrongState
from domain.ids import CustomerId
from domain.money import Asset
from domain.withdrawal import FINISHED, WithdrawalKind, WithdrawalStatus
from domain.withdrawal_estimate import Estimate, estimate
from storage import (
    addresses,
    custody_policy,
    deposits,
    withdrawal_estimates,
    withdrawal_rules,
    withdrawals,
)
from storage.addresses import DepositAddress, Derived
from storage.catalog import Catalog
from storage.custody_policy import AssetPolicy
from storage.ledger import Ledger
from storage.paging import Place
from storage.withdrawals import Requested, WithdrawalRequest

logger = logging.getLogger(__name__)

BITCOIN = "bitcoin"


class WithdrawalWorkflows(Protocol):
    """The running workflows of withdrawals."""

    async def start(self, row: Row[Any]) -> None:
        """Start the row's workflow, or tell the one that runs."""

    async def cancel(self, row: Row[Any]) -> None:
        """Raises WrongState when it is too late."""


@dataclass(frozen=True, slots=True)
class Quote:
    """What a withdrawal would cost and how long it would take; nothing is promised by it."""

    policy: AssetPolicy
    kind: WithdrawalKind
    fee_units: int
    estimate: Estimate | None


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
        workflows: WithdrawalWorkflows,
        address_patience_seconds: float,
    ) -> None:
        self._engine = engine
        self._ledger = ledger
        self._catalog = catalog
        self._network = network
        self._workflows = workflows
        self._address_patience_seconds = address_patience_seconds

    async def policy(self, asset: str) -> AssetPolicy:
        """Minima, fees and pauses of an asset. Raises UnknownAsset."""
        async with self._engine.connect() as connection:
            return await custody_policy.read_asset(connection, asset)

    async def policies(self) -> list[AssetPolicy]:
        async with self._engine.connect() as connection:
            return await custody_policy.read_assets(connection)

    async def deposit_address(self, customer_id: CustomerId, asset: str) -> DepositAddress:
        """The customer's address for `asset`, made at the first asking.

        Raises UnknownAsset, AssetPaused, or Unavailable while the signer has not checked it.
        """
        listed = self._catalog.asset(asset)
        policy = await self.policy(listed.code)
        if not policy.deposit_enabled:
            raise AssetPaused(f"deposits of {listed.code} are paused", asset=listed.code)
        chain = self._catalog.chains[listed.code]
        async with self._engine.begin() as connection:
            found = await addresses.current_or_new(
                connection, chain, customer_id, self._derive(chain)
            )
        return await once_checked(self._engine, found, self._address_patience_seconds)

    async def deposits(
        self, customer_id: CustomerId, *, before: Place | None, limit: int
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
        self, customer_id: CustomerId, *, before: Place | None, limit: int
    ) -> list[tuple[Row[Any], Estimate | None]]:
        """Newest first, each with its estimate."""
        async with self._engine.connect() as connection:
            rows = await withdrawals.list_for(connection, customer_id, before=before, limit=limit)
            found = await withdrawal_estimates.estimates(connection, rows)
        return [(row, found.get(row.id)) for row in rows]

    async def withdrawal(
        self, customer_id: CustomerId, withdrawal_id: str
    ) -> tuple[Row[Any], Estimate | None, list[Mapping[str, Any]]]:
        """One withdrawal and what happened to it. Raises UnknownWithdrawal."""
        async with self._engine.connect() as connection:
            row = await self._own(connection, customer_id, withdrawal_id)
            found = await withdrawal_estimates.estimates(connection, [row])
            return row, found.get(row.id), await withdrawals.timeline(connection, withdrawal_id)

    async def cancel(self, customer_id: CustomerId, withdrawal_id: str) -> None:
        """Give the funds back if nothing can have left. Raises UnknownWithdrawal, WrongState.

        Cancelled already, it is cancelled.
        """
        async with self._engine.connect() as connection:
            row = await self._own(connection, customer_id, withdrawal_id)
        if row.status == WithdrawalStatus.CANCELLED:
            return
        if row.status in FINISHED:
            raise WrongState(f"the withdrawal is {row.status}", status=row.status)
        await self._workflows.cancel(row)

    async def quote(
        self, customer_id: CustomerId, asset: str, amount: str, address: str | None
    ) -> Quote:
        """Raises UnknownAsset, InvalidAmount, InvalidAddress; whether it may be is not asked."""
        listed = self._catalog.asset(asset)
        units = listed.parse(amount).units
        async with self._engine.connect() as connection:
            policy = await custody_policy.read_asset(connection, listed.code)
            payee = None
            if address is not None:
                normal = self.normal_address(listed, address)
                payee = await withdrawal_rules.own_payee(
                    connection, policy.chain, normal, customer_id
                )
            facts = await withdrawal_estimates.facts(connection, [listed.code])
            queue = await withdrawal_estimates.queued_units(connection, [listed.code])
        kind = WithdrawalKind.CHAIN if payee is None else WithdrawalKind.INTERNAL
        until_paid = max(queue.values(), default=0) + units
        reviewed = units >= policy.review_units
        status = WithdrawalStatus.REVIEW if reviewed else WithdrawalStatus.APPROVED
        return Quote(
            policy,
            kind,
            policy.withdrawal_fee_units if kind is WithdrawalKind.CHAIN else 0,
            estimate(facts[listed.code], status, kind, until_paid),
        )

    def normal_address(self, asset: Asset, address: str) -> str:
        """The one normal form of an address on the asset's chain. Raises InvalidAddress."""
        if self._catalog.chains[asset.code] == BITCOIN:
            return bitcoin.parse_address(address, self._network).text
        return ethereum.parse_address(address)

    async def _own(
        self, connection: AsyncConnection, customer_id: CustomerId, withdrawal_id: str
    ) -> Row[Any]:
        row = await withdrawals.find(connection, withdrawal_id)
        if row.customer_id != customer_id:
            raise UnknownWithdrawal(f"there is no withdrawal {withdrawal_id}")
        return row

    async def _start(self, row: Row[Any]) -> None:
        """The hold is committed, so this may fail: the relay starts what was not started."""
        try:
            await self._workflows.start(row)
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
