"""What the explorer's pages show, read from the indexed tables. Blocking calls run in threads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from pydantic import BaseModel, Field

from api.search.desk import moment
from api.search.lag import ProjectionLag
from api.search.viewer import Viewer
from domain.errors import InvalidInput, UnknownDeposit, UnknownOrder, UnknownWithdrawal
from domain.ids import OrderId, TradeId
from domain.market import Market
from domain.money import format_units
from domain.withdrawal import WithdrawalStatus
from projections.chain import Block, Deposit, Output, OutputStatus, Withdrawal
from projections.listings import Listings
from projections.order import OrderEvent, fold
from storage import dynamo_chain, dynamo_orders, dynamo_trades
from storage.dynamo import Dynamo

_T = TypeVar("_T")
BLOCKS_PER_PAGE = 25
_ON_CHAIN: dict[str, OutputStatus] = {
    WithdrawalStatus.SEEN: OutputStatus.SEEN,
    WithdrawalStatus.DONE: OutputStatus.MINED,
}
"""Of withdrawals whose transaction everybody can see: how it stands there."""


class UnknownRecord(InvalidInput):
    code = "unknown_record"


class BlockView(BaseModel):
    chain: str
    height: int
    hash: str
    parent_hash: str
    time: str
    is_canonical: bool = Field(description="False: it left the chain in a reorg.")


class OutputView(BaseModel):
    """A part of a chain transaction that pays an address of the exchange."""

    chain: str
    txid: str
    index: int
    address: str
    asset: str
    amount: str
    status: str
    time: str
    height: int | None
    block_hash: str | None


class PayeeView(BaseModel):
    """What a transaction of the exchange pays to an address: as the chain shows it to everybody.

    Whose withdrawal it is, and when it was asked for, is nobody else's business.
    """

    chain: str
    txid: str
    address: str
    asset: str
    amount: str
    status: str = Field(description="seen: a node has it; mined: confirmed in a block.")


class BlocksPage(BaseModel):
    data: list[BlockView]
    lag_ms: int | None


class BlockPage(BaseModel):
    block: BlockView
    outputs: list[OutputView] = Field(
        description="Those that pay the exchange: what else the block holds is not kept here."
    )
    lag_ms: int | None


class TransactionPage(BaseModel):
    chain: str
    txid: str
    outputs: list[OutputView] = Field(description="Those that pay the exchange.")
    payees: list[PayeeView] = Field(description="Whom it pays for withdrawals of the exchange.")
    lag_ms: int | None


class AddressPage(BaseModel):
    chain: str
    address: str
    outputs: list[OutputView] = Field(
        description="Those that pay the exchange at this address, newest first: what else the "
        "address received or sent is not kept here."
    )
    next_cursor: str | None
    lag_ms: int | None


class TradeView(BaseModel):
    market: str
    id: str
    price: str
    size: str
    taker_side: str
    time: str
    lag_ms: int | None = None


class Step(BaseModel):
    time: str
    event: str
    price: str | None = None
    size: str | None = None
    open_size: str | None = None
    trade_id: str | None = None
    reason: str | None = None


class OrderPage(BaseModel):
    id: str
    market: str
    side: str
    status: str
    price: str | None
    filled: str
    open: str
    history: list[Step] = Field(description="Oldest first.")
    lag_ms: int | None


class Change(BaseModel):
    time: str
    status: str


class CustodyPage(BaseModel):
    """A deposit or a withdrawal."""

    kind: str
    id: str
    chain: str
    asset: str
    amount: str
    address: str
    status: str
    txid: str | None
    time: str
    history: list[Change] = Field(description="Oldest first.")
    lag_ms: int | None


class Explorer:
    """Reads of the generation that serves; what a viewer may not see does not exist for them."""

    def __init__(
        self, dynamo: Callable[[], Dynamo], listings: Listings, lag: ProjectionLag
    ) -> None:
        self._dynamo = dynamo
        self._listings = listings
        self.lag = lag

    async def blocks(self, chain: str, top: int | None) -> BlocksPage:
        """Blocks at and below `top`, highest first; None: the newest."""
        found = await self._read(
            lambda dynamo: dynamo_chain.newest_blocks(dynamo, chain, top=top, limit=BLOCKS_PER_PAGE)
        )
        return BlocksPage(data=[_block(each) for each in found], lag_ms=await self._behind())

    async def block(self, chain: str, block_hash: str) -> BlockPage:
        block = await self._read(lambda dynamo: dynamo_chain.find_block(dynamo, chain, block_hash))
        if block is None:
            raise UnknownRecord("there is no such block")
        outputs = await self._read(
            lambda dynamo: dynamo_chain.outputs_of_block(dynamo, chain, block_hash)
        )
        return BlockPage(
            block=_block(block), outputs=self._outputs(outputs), lag_ms=await self._behind()
        )

    async def transaction(self, chain: str, txid: str) -> TransactionPage:
        outputs = await self._read(
            lambda dynamo: dynamo_chain.outputs_of_transaction(dynamo, chain, txid)
        )
        paid = await self._read(
            lambda dynamo: dynamo_chain.withdrawals_paid_by(dynamo, chain, txid)
        )
        payees = self._payees(paid)
        if not outputs and not payees:
            raise UnknownRecord("no transaction of that id pays the exchange or is its own")
        return TransactionPage(
            chain=chain,
            txid=txid,
            outputs=self._outputs(outputs),
            payees=payees,
            lag_ms=await self._behind(),
        )

    async def address(self, chain: str, address: str, cursor: str | None) -> AddressPage:
        outputs, following = await self._read(
            lambda dynamo: dynamo_chain.outputs_of_address(dynamo, chain, address, cursor)
        )
        return AddressPage(
            chain=chain,
            address=address,
            outputs=self._outputs(outputs),
            next_cursor=following,
            lag_ms=await self._behind(),
        )

    async def trade(self, market_id: str, trade_id: int) -> TradeView:
        market = self._listings.market(market_id)
        trade = await self._read(
            lambda dynamo: dynamo_trades.find_trade(dynamo, market.id, TradeId(trade_id))
        )
        if trade is None:
            raise UnknownRecord("there is no such trade")
        return TradeView(
            market=market.id,
            id=str(trade.id),
            price=market.format_price(trade.price_ticks),
            size=market.format_size(trade.lots),
            taker_side=trade.taker_side,
            time=moment(trade.traded_at_ms),
            lag_ms=await self._behind(),
        )

    async def order(self, order_id: int, viewer: Viewer) -> OrderPage:
        """Raises UnknownOrder for others' orders as for none."""
        events = await self._read(
            lambda dynamo: dynamo_orders.order_history(dynamo, OrderId(order_id))
        )
        state = fold(events)
        if state is None or not viewer.may_see("order", [str(state.owner)]):
            raise UnknownOrder("no order of yours has this id")
        market = self._listings.market(state.market)
        return OrderPage(
            id=str(order_id),
            market=state.market,
            side=state.side,
            status=state.status,
            price=market.format_price(state.price_ticks) if state.price_ticks else None,
            filled=market.format_size(state.filled_lots),
            open=market.format_size(state.open_lots),
            history=[_step(event, market) for event in events],
            lag_ms=await self._behind(),
        )

    async def deposit(self, deposit_id: str, viewer: Viewer) -> CustodyPage:
        """Raises UnknownDeposit for others' deposits as for none."""
        state = await self._read(lambda dynamo: dynamo_chain.find_deposit(dynamo, deposit_id))
        if state is None or not viewer.may_see("deposit", [str(state.customer_id)]):
            raise UnknownDeposit("no deposit of yours has this id")
        return await self._custody("deposit", state)

    async def withdrawal(self, withdrawal_id: str, viewer: Viewer) -> CustodyPage:
        """Raises UnknownWithdrawal for others' withdrawals as for none."""
        state = await self._read(lambda dynamo: dynamo_chain.find_withdrawal(dynamo, withdrawal_id))
        if state is None or not viewer.may_see("withdrawal", [str(state.customer_id)]):
            raise UnknownWithdrawal("no withdrawal of yours has this id")
        return await self._custody("withdrawal", state)

    async def _custody(self, kind: str, state: Deposit | Withdrawal) -> CustodyPage:
        lines = await self._read(lambda dynamo: dynamo_chain.history(dynamo, kind, state.id))
        return CustodyPage(
            kind=kind,
            id=state.id,
            chain=state.chain,
            asset=state.asset,
            amount=format_units(state.units, self._listings.asset(state.asset).scale),
            address=state.address,
            status=state.status,
            txid=state.txid,
            time=moment(state.at_ms),
            history=[Change(time=moment(at_ms), status=status) for at_ms, status in lines],
            lag_ms=await self._behind(),
        )

    def _outputs(self, outputs: list[Output]) -> list[OutputView]:
        return [
            OutputView(
                chain=each.chain,
                txid=each.txid,
                index=each.index,
                address=each.address,
                asset=each.asset,
                amount=format_units(each.units, self._listings.asset(each.asset).scale),
                status=each.status,
                time=moment(each.at_ms),
                height=each.height,
                block_hash=each.block_hash,
            )
            for each in outputs
            if each.asset
        ]

    def _payees(self, paid: list[Withdrawal]) -> list[PayeeView]:
        """In the order of addresses. Before a node has the transaction nobody is told of it."""
        payees = [
            PayeeView(
                chain=each.chain,
                txid=each.txid or "",
                address=each.address,
                asset=each.asset,
                amount=format_units(each.units, self._listings.asset(each.asset).scale),
                status=_ON_CHAIN[each.status],
            )
            for each in paid
            if each.status in _ON_CHAIN
        ]
        return sorted(payees, key=lambda each: (each.address, each.amount))

    async def _read(self, call: Callable[[Dynamo], _T]) -> _T:
        return await asyncio.to_thread(lambda: call(self._dynamo()))

    async def _behind(self) -> int | None:
        return await self.lag.milliseconds()


def _block(block: Block) -> BlockView:
    return BlockView(
        chain=block.chain,
        height=block.height,
        hash=block.hash,
        parent_hash=block.parent_hash,
        time=moment(block.at_ms),
        is_canonical=block.is_canonical,
    )


def _step(event: OrderEvent, market: Market) -> Step:
    return Step(
        time=moment(event.at_us // 1000),
        event=event.kind,
        price=market.format_price(event.price_ticks) if event.price_ticks else None,
        size=market.format_size(event.lots) if event.lots else None,
        open_size=market.format_size(event.open_lots) if event.open_lots else None,
        trade_id=str(event.trade_id) if event.trade_id else None,
        reason=event.reason or None,
    )
