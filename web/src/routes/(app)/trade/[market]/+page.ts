import { error } from '@sveltejs/kit';
import { orElse, RialtoError, rialtoWith } from '$lib/api';
import type { PageLoad } from './$types';

export const load: PageLoad = async ({ fetch, params }) => {
  const rialto = rialtoWith(fetch);
  const id = params.market.toUpperCase();
  const fees = orElse(rialto.readFees(), undefined);
  try {
    const [market, markets, trades] = await Promise.all([rialto.readMarket(id), rialto.listMarkets(), rialto.listTrades(id, { limit: 60 })]);
    return { market, markets: markets.data, trades: trades.data, fees: await fees };
  } catch (fault) {
    if (fault instanceof RialtoError && fault.status === 404) error(404, fault.problem.detail);
    error(503, 'the market cannot be read at the moment');
  }
};
