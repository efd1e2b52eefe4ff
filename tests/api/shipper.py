"""Stands in for the shipper: publishes what an engine would have made of a book."""

from __future__ import annotations

from streams.market_data import MarketUpdate, OrderReport, OrderReports, Trade, book_checksum
from tests.api.conftest import Exchange

MARKET = "BTC-USDT"


class Shipper:
    """Numbers its updates without gaps and keeps the levels, so that checksums are right."""

    def __init__(self, exchange: Exchange, market: str = MARKET) -> None:
        self._exchange = exchange
        self._market = market
        self._trades = 0
        self.sequence = exchange.services.trading.market_data.book(market).sequence  # type: ignore[arg-type]
        self.bids: dict[int, int] = {}
        self.asks: dict[int, int] = {}

    async def levels(self, *changes: tuple[int, int, int], trades: int = 0) -> MarketUpdate:
        """Changes are `(is_buy, price, lots)`; each trade is at the last change's price."""
        for is_buy, price, lots in changes:
            side = self.bids if is_buy else self.asks
            side[price] = lots
            if not lots:
                del side[price]
        update = self.update(changes, trades)
        await self._exchange.publish(update)
        return update

    def update(self, changes: tuple[tuple[int, int, int], ...], trades: int) -> MarketUpdate:
        previous, self.sequence = self.sequence, self.sequence + 1 + trades
        made = []
        for _ in range(trades):
            self._trades += 1
            made.append(
                Trade(
                    self._trades, self.sequence, 1_795_353_600_000_000, changes[-1][1], 5, 1, 1, 2
                )
            )
        bids = sorted(self.bids.items(), reverse=True)
        return MarketUpdate(
            market=self._market,
            epoch=1,
            previous_sequence=previous,
            first_sequence=previous + 1,
            last_sequence=self.sequence,
            time_us=1_795_353_600_000_000,
            state="trading",
            levels=[(is_buy, price, lots, 1) for is_buy, price, lots in changes],
            orders=[
                (self.sequence, 100 + price, is_buy, price, lots) for is_buy, price, lots in changes
            ],
            trades=made,
            checksum=book_checksum(bids, sorted(self.asks.items())),
        )

    async def report(self, customer_id: int, *reports: OrderReport) -> None:
        await self._exchange.publish(OrderReports(customer_id, list(reports)))
