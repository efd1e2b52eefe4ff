/** Every market with its last day: what the landing page and the list of markets show. */
import { orElse, type CandleAnswer, type MarketAnswer, type Rialto, type TickerAnswer } from '$lib/api';
import { change } from '$lib/format/decimal';

const POINTS = 96;

export interface Overview {
  market: MarketAnswer;
  ticker: TickerAnswer | undefined;
  change: number | undefined;
  /** Closing prices of a day, oldest first. */
  line: number[];
}

export async function overviewOf(rialto: Rialto): Promise<Overview[]> {
  const [markets, tickers] = await Promise.all([rialto.listMarkets(), rialto.listTickers()]);
  const byMarket = new Map(tickers.data.map((each) => [each.market, each]));
  return Promise.all(
    markets.data.map(async (market) => {
      const ticker = byMarket.get(market.id);
      const query = { interval: '15m', limit: POINTS } as const;
      const candles = await orElse(rialto.listCandles(market.id, query), undefined);
      return {
        market,
        ticker,
        change: ticker === undefined ? undefined : change(ticker.open, ticker.last),
        line: lineOf(candles?.data ?? []),
      };
    }),
  );
}

export function lineOf(candles: CandleAnswer[]): number[] {
  return candles.map((candle) => Number(candle.close));
}
