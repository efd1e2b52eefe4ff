/** Everything that moved a customer's money, from the lists of the API, newest first. */
import { rialto } from '$lib/api';

export interface HistoryRow {
  id: string;
  at: string;
  kind: 'deposit' | 'withdrawal' | 'buy' | 'sell';
  asset: string;
  amount: string;
  fee: string;
  feeAsset: string;
  detail: string;
  state: string;
}

const PAGE = 500;
const PAGES_MAX = 20;

export async function readHistory(): Promise<HistoryRow[]> {
  const markets = (await rialto.listMarkets()).data;
  const parts = await Promise.all([deposits(), withdrawals(), ...markets.map((market) => fills(market.id, market.base))]);
  return parts.flat().sort((a, b) => (a.at < b.at ? 1 : -1));
}

/** Whole lists, up to a bound: who has more uses the API. */
async function whole<T>(page: (cursor: { cursor?: string }) => Promise<{ data: T[]; next_cursor: string | null }>): Promise<T[]> {
  const found: T[] = [];
  let cursor: { cursor?: string } = {};
  for (let count = 0; count < PAGES_MAX; count += 1) {
    const { data, next_cursor } = await page(cursor);
    found.push(...data);
    if (next_cursor === null) break;
    cursor = { cursor: next_cursor };
  }
  return found;
}

async function deposits(): Promise<HistoryRow[]> {
  const rows = await whole((cursor) => rialto.listDeposits({ limit: PAGE, ...cursor }));
  return rows.map((row) => ({
    id: row.id, at: row.detected_at, kind: 'deposit', asset: row.asset, amount: row.amount, fee: '', feeAsset: '', detail: row.txid, state: row.status,
  }));
}

async function withdrawals(): Promise<HistoryRow[]> {
  const rows = await whole((cursor) => rialto.listWithdrawals({ limit: PAGE, ...cursor }));
  return rows.map((row) => ({
    id: row.id, at: row.created_at, kind: 'withdrawal', asset: row.asset, amount: row.amount, fee: row.fee, feeAsset: row.asset, detail: row.address, state: row.status,
  }));
}

async function fills(market: string, base: string): Promise<HistoryRow[]> {
  const rows = await whole((cursor) => rialto.listFills({ market, limit: PAGE, ...cursor }));
  return rows.map((row) => ({
    id: row.trade_id, at: row.time, kind: row.side === 'buy' ? 'buy' : 'sell', asset: base, amount: row.size, fee: row.fee, feeAsset: row.fee_asset, detail: `${market} @ ${row.price}`, state: 'settled',
  }));
}
