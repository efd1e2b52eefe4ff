/** What moved a customer's money lately, from the lists of the API, newest first. Statements have all. */
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
  /** The transaction's page in the explorer; empty where there is none. */
  link: string;
  state: string;
}

const ROWS = 100;

export async function readHistory(): Promise<HistoryRow[]> {
  const markets = (await rialto.listMarkets()).data;
  const parts = await Promise.all([deposits(), withdrawals(), ...markets.map((market) => fills(market.id, market.base))]);
  return newest(parts.flat(), ROWS);
}

export function newest(rows: HistoryRow[], count: number): HistoryRow[] {
  return rows.sort((a, b) => Date.parse(b.at) - Date.parse(a.at)).slice(0, count);
}

async function deposits(): Promise<HistoryRow[]> {
  const rows = (await rialto.listDeposits({ limit: ROWS })).data;
  return rows.map((row) => ({
    id: row.id, at: row.detected_at, kind: 'deposit', asset: row.asset, amount: row.amount, fee: '', feeAsset: '',
    detail: row.txid, link: explorerLink(row.chain, row.txid), state: row.status,
  }));
}

async function withdrawals(): Promise<HistoryRow[]> {
  const rows = (await rialto.listWithdrawals({ limit: ROWS })).data;
  return rows.map((row) => ({
    id: row.id, at: row.created_at, kind: 'withdrawal', asset: row.asset, amount: row.amount, fee: row.fee, feeAsset: row.asset,
    detail: row.address, link: explorerLink(row.chain, row.txid), state: row.status,
  }));
}

async function fills(market: string, base: string): Promise<HistoryRow[]> {
  const rows = (await rialto.listFills({ market, limit: ROWS })).data;
  return rows.map((row) => ({
    id: `${row.trade_id} ${row.order_id}`, at: row.time, kind: row.side === 'buy' ? 'buy' : 'sell', asset: base, amount: row.size, fee: row.fee,
    feeAsset: row.fee_asset, detail: `${market} @ ${row.price}`, link: '', state: '',
  }));
}

export function explorerLink(chain: string, txid: string | null): string {
  return txid === null || txid === '' ? '' : `/explorer/${encodeURIComponent(chain)}/${encodeURIComponent(txid)}`;
}
