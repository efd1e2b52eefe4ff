/** Balances in USDT at last prices: to look at, not to reckon with. */
import type { BalanceAnswer, TickerAnswer } from '$lib/api';
import { add, multiply } from '$lib/format/decimal';

const REFERENCE = 'USDT';
const SCALE = 6;

export type ValuedRow = BalanceAnswer & { value: string | undefined };

export function valued(balances: BalanceAnswer[], tickers: TickerAnswer[]): { rows: ValuedRow[]; total: string } {
  const prices = new Map(tickers.map((each) => [each.market, each.last]));
  const rows = balances.map((row) => {
    const price = row.asset === REFERENCE ? '1' : prices.get(`${row.asset}-${REFERENCE}`);
    return { ...row, value: price ? multiply(row.total, price, SCALE) : undefined };
  });
  return { rows, total: rows.reduce((sum, row) => add(sum, row.value ?? '0'), '0') };
}
