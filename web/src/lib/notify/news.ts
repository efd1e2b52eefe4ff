/** Messages of the customer's own channels as sentences, each told once. */
import type { Fields, Key } from '$lib/i18n';
import type { News } from './choices';

export interface Told {
  news: News;
  key: Key;
  fields: Fields;
  /** The same id is the same news. */
  id: string;
}

interface Moved { id: string; asset: string; amount: string; status: string }
interface Filled { trade_id: string; order_id: string; market: string; side: string; price: string; size: string }
type Message = { type: string } & Record<string, unknown>;

const DEPOSITS: Record<string, Key> = {
  detected: 'notify.deposit.detected', credited: 'notify.deposit.credited', withdrawable: 'notify.deposit.withdrawable',
  held: 'notify.deposit.held', reversed: 'notify.deposit.reversed',
};
const WITHDRAWALS: Record<string, Key> = {
  review: 'notify.withdrawal.review', broadcast: 'notify.withdrawal.broadcast', done: 'notify.withdrawal.done',
  rejected: 'notify.withdrawal.rejected',
};

/** Undefined: nothing a person would want to be interrupted for. */
export function tell(message: Message): Told | undefined {
  switch (message.type) {
    case 'deposit':
      return moved('deposits', DEPOSITS, message as unknown as Moved);
    case 'withdrawal':
      return moved('withdrawals', WITHDRAWALS, message as unknown as Moved);
    case 'fill':
      return filled(message as unknown as Filled);
    default:
      return undefined;
  }
}

function moved(news: News, keys: Record<string, Key>, { id, asset, amount, status }: Moved): Told | undefined {
  const key = keys[status];
  return key === undefined ? undefined : { news, key, fields: { asset, amount }, id: `${news} ${id} ${status}` };
}

function filled({ trade_id, order_id, market, side, price, size }: Filled): Told {
  const key = side === 'buy' ? 'notify.fill.buy' : 'notify.fill.sell';
  return { news: 'fills', key, fields: { market, price, size }, id: `fills ${trade_id} ${order_id}` };
}
