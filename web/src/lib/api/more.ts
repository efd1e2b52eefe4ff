/** Operations that the generated client does not have yet, by the same rules. */
import { RialtoError, Unreachable, type Problem } from 'rialto-client';

export interface SavedAddress {
  id: string;
  chain: string;
  address: string;
  memo: string;
  label: string;
  created_at: string;
  usable_at: string;
}

export interface WithdrawalQuote {
  asset: string;
  chain: string;
  kind: 'chain' | 'internal';
  amount: string;
  fee: string;
  total: string;
  minimum: string;
  memo_required: boolean;
  estimate: { waits_for: string; expected_at: string | null } | null;
}

export interface WindowLimit {
  limit: string | null;
  used: string;
  left: string | null;
}

export interface WithdrawalSettings {
  allow_list_only: boolean;
  allow_list_off_at: string | null;
  held_until: string | null;
  held_reason: string;
  limits: { asset: string; kyc_tier: number; day: WindowLimit; month: WindowLimit };
}

/** One movement of money, and what it left behind. */
export interface BalanceLine {
  time: string;
  purpose: string;
  cause: string;
  entry: string;
  available_change: string;
  held_change: string;
  available: string;
  held: string;
}

async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  const headers = new Headers({ accept: 'application/json' });
  if (body !== undefined) headers.set('content-type', 'application/json');
  if (method === 'POST') headers.set('idempotency-key', crypto.randomUUID());
  const init: RequestInit = { method, headers };
  if (body !== undefined) init.body = JSON.stringify(body);
  let answer: Response;
  try {
    answer = await fetch(path, init);
  } catch (fault) {
    throw new Unreachable(fault, undefined);
  }
  if (answer.status === 204) return undefined as T;
  const content: unknown = await answer.json();
  if (!answer.ok) throw new RialtoError(content as Problem, undefined);
  return content as T;
}

export const savedAddresses = (): Promise<{ data: SavedAddress[] }> => call('GET', '/v1/withdrawal-addresses');

export const saveAddress = (body: { asset: string; address: string; label: string; memo?: string }): Promise<SavedAddress> =>
  call('POST', '/v1/withdrawal-addresses', body);

export const removeAddress = (id: string): Promise<void> => call('DELETE', `/v1/withdrawal-addresses/${encodeURIComponent(id)}`);

export const withdrawalSettings = (): Promise<WithdrawalSettings> => call('GET', '/v1/withdrawal-settings');

export const setAllowList = (isOn: boolean): Promise<WithdrawalSettings> =>
  call('PATCH', '/v1/withdrawal-settings', { allow_list_only: isOn });

export const cancelWithdrawal = (id: string): Promise<unknown> => call('DELETE', `/v1/withdrawals/${encodeURIComponent(id)}`);

export function quoteWithdrawal(asset: string, amount: string, address: string): Promise<WithdrawalQuote> {
  const query = new URLSearchParams({ asset, amount });
  if (address !== '') query.set('address', address);
  return call('GET', `/v1/withdrawals/quote?${query}`);
}

/** Every movement since the first, oldest first. */
export function explainBalance(asset: string, cursor: string | null): Promise<{ data: BalanceLine[]; next_cursor: string | null }> {
  const query = new URLSearchParams(cursor === null ? { limit: '200' } : { limit: '200', cursor });
  return call('GET', `/v1/balances/${encodeURIComponent(asset)}/explain?${query}`);
}
