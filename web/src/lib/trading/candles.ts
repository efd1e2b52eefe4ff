/** Candles from the API, carried on by the trades that follow. */
import { rialto, type CandleAnswer, type Interval } from '$lib/api';
import { add, compare, multiply } from '$lib/format/decimal';
import type { TapeRow } from './feed.svelte';

export const FRAMES = ['1m', '5m', '15m', '1h', '4h', '1d'] as const satisfies Interval[];
export type Frame = (typeof FRAMES)[number];

const MINUTE_MS = 60_000;
const LENGTH_MS: Record<Frame, number> = {
  '1m': MINUTE_MS, '5m': 5 * MINUTE_MS, '15m': 15 * MINUTE_MS, '1h': 60 * MINUTE_MS, '4h': 240 * MINUTE_MS, '1d': 1_440 * MINUTE_MS,
};
const PAGE = 500;
const VOLUME_SCALE = 18;

export async function readCandles(market: string, interval: Frame, end?: string): Promise<CandleAnswer[]> {
  const query = end === undefined ? { interval, limit: PAGE } : { interval, limit: PAGE, end };
  return (await rialto.listCandles(market, query)).data;
}

/** The candles after these trades; what is older than the last candle is in it already. */
export function withTrades(candles: CandleAnswer[], trades: TapeRow[], frame: Frame): CandleAnswer[] {
  const result = [...candles];
  for (const trade of trades) {
    const opens = Math.floor(Date.parse(trade.time) / LENGTH_MS[frame]) * LENGTH_MS[frame];
    const last = result[result.length - 1];
    const lastOpens = last === undefined ? 0 : Date.parse(last.time);
    if (opens < lastOpens) continue;
    if (last !== undefined && opens === lastOpens) result[result.length - 1] = grown(last, trade);
    else result.push(begun(trade, opens));
  }
  return result;
}

function begun(trade: TapeRow, opens: number): CandleAnswer {
  const { price, size } = trade;
  const time = new Date(opens).toISOString();
  return { time, open: price, high: price, low: price, close: price, volume: size, quote_volume: multiply(price, size, VOLUME_SCALE), trades: 1 };
}

function grown(candle: CandleAnswer, trade: TapeRow): CandleAnswer {
  const { price, size } = trade;
  return {
    ...candle,
    high: compare(price, candle.high) > 0 ? price : candle.high,
    low: compare(price, candle.low) < 0 ? price : candle.low,
    close: price,
    volume: add(candle.volume, size),
    quote_volume: add(candle.quote_volume, multiply(price, size, VOLUME_SCALE)),
    trades: candle.trades + 1,
  };
}
