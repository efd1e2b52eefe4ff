"""Symbols of the dialect, BTCUSDT, and our markets, BTC-USDT."""

from __future__ import annotations

from collections.abc import Mapping

from api.dialect import errors
from api.dialect.parameters import Parameters
from domain.market import Market
from storage.catalog import Catalog


class Symbols:
    def __init__(self, catalog: Catalog) -> None:
        self.by_symbol: Mapping[str, Market] = {
            symbol_of(market): market for market in catalog.markets.values()
        }

    def market(self, symbol: str) -> Market:
        """Raises -1121."""
        market = self.by_symbol.get(symbol)
        if market is None:
            raise errors.unknown_symbol()
        return market

    def asked(self, parameters: Parameters) -> Market:
        """The market of the mandatory parameter `symbol`."""
        return self.market(parameters.required("symbol"))

    def several(self, parameters: Parameters) -> tuple[list[Market], bool]:
        """Markets of `symbol`, `symbols`, or all of them; and whether one alone was asked for."""
        if "symbol" in parameters:
            if "symbols" in parameters:
                raise errors.DialectError(-1128, "Combination of optional parameters invalid.")
            return [self.market(parameters["symbol"])], True
        names = parameters.names("symbols")
        if names is None:
            return list(self.by_symbol.values()), False
        return [self.market(name) for name in names], False


def symbol_of(market: Market) -> str:
    return f"{market.base.code}{market.quote.code}"
