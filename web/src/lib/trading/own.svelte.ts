/** The customer's own side of trading: orders, fills, balances. Read once, then kept by the feed. */
import { orElse, rialto, type FillRow, type OrderAnswer } from '$lib/api';
import type { BalanceRow, LiveFill } from './feed.svelte';

const LIVE = new Set(['placed', 'open']);
const PAGE = 50;

export class Own {
  orders = $state.raw<OrderAnswer[]>([]);
  history = $state.raw<OrderAnswer[]>([]);
  fills = $state.raw<FillRow[]>([]);
  balances = $state.raw<Record<string, { available: string; held: string }>>({});
  isRead = $state(false);

  constructor(private readonly market: string) {}

  get open(): OrderAnswer[] {
    return this.orders.filter((order) => LIVE.has(order.status));
  }

  get available(): Record<string, string> {
    return Object.fromEntries(Object.entries(this.balances).map(([asset, row]) => [asset, row.available]));
  }

  async read(): Promise<void> {
    const market = this.market;
    const [open, history, fills, balances] = await Promise.all([
      orElse(rialto.listOrders({ market, status: 'open' }), undefined),
      orElse(rialto.listOrders({ market, limit: PAGE }), undefined),
      orElse(rialto.listFills({ market, limit: PAGE }), undefined),
      orElse(rialto.listBalances(), undefined),
    ]);
    if (open !== undefined) this.orders = open.data;
    if (history !== undefined) this.history = history.data.filter((order) => !LIVE.has(order.status));
    if (fills !== undefined) this.fills = joined(fills.data, this.fills);
    if (balances !== undefined) this.keep(balances.data);
    this.isRead = true;
  }

  takeFill(fill: LiveFill, value: string): void {
    if (fill.market === this.market) this.fills = joined([{ ...fill, value }], this.fills);
  }

  /** A report may come before the answer to the request, or after it: the later state counts. */
  take(order: OrderAnswer): void {
    if (order.market !== this.market) return;
    const known = this.orders.find((each) => each.id === order.id) ?? this.history.find((each) => each.id === order.id);
    if (known !== undefined && known.sequence > order.sequence) return;
    this.orders = this.orders.filter((each) => each.id !== order.id);
    this.history = this.history.filter((each) => each.id !== order.id);
    if (LIVE.has(order.status)) this.orders = [order, ...this.orders];
    else this.history = [order, ...this.history].slice(0, PAGE);
  }

  keep(rows: BalanceRow[]): void {
    const changed = Object.fromEntries(rows.map(({ asset, available, held }) => [asset, { available, held }]));
    this.balances = { ...this.balances, ...changed };
  }
}

/** Newest first, each once: a fill is told when it happens and read again once it is settled. */
function joined(newer: FillRow[], older: FillRow[]): FillRow[] {
  const known = new Set(newer.map((each) => `${each.trade_id} ${each.order_id}`));
  return [...newer, ...older.filter((each) => !known.has(`${each.trade_id} ${each.order_id}`))].slice(0, PAGE);
}
