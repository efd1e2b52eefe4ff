import { error } from '@sveltejs/kit';
import { orElse, RialtoError, rialtoWith, type MarketAnswer } from '$lib/api';
import type { PageLoad } from './$types';

const LEVELS = 12;
const TRADES = 20;
const CANDLES = 300;

export const load: PageLoad = async ({ fetch, params }) => {
  const rialto = rialtoWith(fetch);
  const id = params.market.toUpperCase();
  const market = await found(rialto.readMarket(id));
  const [ticker, book, trades, candles] = await Promise.all([
    orElse(rialto.readTicker(id), undefined),
    orElse(rialto.readBook(id, { depth: LEVELS }), undefined),
    orElse(rialto.listTrades(id, { limit: TRADES }), undefined),
    orElse(rialto.listCandles(id, { interval: '5m', limit: CANDLES }), undefined),
  ]);
  return { market, ticker, book, trades: trades?.data ?? [], candles: candles?.data ?? [] };
};

async function found(answer: Promise<MarketAnswer>): Promise<MarketAnswer> {
  try {
    return await answer;
  } catch (fault) {
    if (fault instanceof RialtoError && fault.status === 404) error(404, fault.problem.detail);
    error(503, 'the market cannot be read at the moment');
  }
}
