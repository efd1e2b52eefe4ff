import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BlockView, DepositAnswer } from '$lib/api';
import { fault } from '$lib/account/password';
import { parseChoices } from '$lib/notify/choices';
import { tell } from '$lib/notify/news';
import { newest, explorerLink, type HistoryRow } from '$lib/wallet/history';
import { blockMs, blocksLeft, minutesFor } from '$lib/wallet/pace';
import { dayOf, periodOf, statementUrl } from '$lib/wallet/period';

test('a new password is long enough, another one, and typed the same twice', () => {
  assert.equal(fault('old password', 'too short', 'too short'), 'short');
  assert.equal(fault('old password', '0123456789', '0123456789'), undefined);
  assert.equal(fault('old password', 'old password', 'old password'), 'same');
  assert.equal(fault('old password', 'new password', 'new passwort'), 'differs');
  assert.equal(fault('old password', '🔑🔑🔑🔑🔑', '🔑🔑🔑🔑🔑'), 'short', 'characters count, not code units');
});

test('a statement covers the whole of both days', () => {
  const period = periodOf('2026-03-01', '2026-03-31');
  assert.deepEqual(period, { since: new Date(2026, 2, 1).toISOString(), until: new Date(2026, 3, 1).toISOString() });
  assert.equal(periodOf('2026-03-02', '2026-03-01'), undefined);
  assert.equal(periodOf('2026-02-30', '2026-03-01'), undefined);
  assert.equal(periodOf('', '2026-03-01'), undefined);
  assert.equal(dayOf(new Date(2026, 0, 9)), '2026-01-09');
});

test('the statement file is asked of the statement\'s own endpoint', () => {
  const url = new URL(statementUrl('BTC', { since: '2026-03-01T00:00:00.000Z', until: '2026-04-01T00:00:00.000Z' }), 'http://x');
  assert.equal(url.pathname, '/v1/balances/BTC/statement');
  assert.deepEqual(Object.fromEntries(url.searchParams), { since: '2026-03-01T00:00:00.000Z', until: '2026-04-01T00:00:00.000Z', format: 'csv' });
});

test('what was kept of notifications is taken field by field', () => {
  assert.deepEqual(parseChoices('{"fills":false,"desktop":"yes","other":1}'), { deposits: true, withdrawals: true, fills: false, desktop: false });
  for (const text of [null, '', 'null', '[]', '{', '"x"']) assert.deepEqual(parseChoices(text), { deposits: true, withdrawals: true, fills: true, desktop: false });
});

test('news are told by their state, once each', () => {
  const deposit = { type: 'deposit', id: 'd1', asset: 'BTC', amount: '0.5', status: 'credited' };
  assert.deepEqual(tell(deposit), { news: 'deposits', key: 'notify.deposit.credited', fields: { asset: 'BTC', amount: '0.5' }, id: 'deposits d1 credited' });
  assert.equal(tell({ ...deposit, status: 'confirming' }), undefined);
  assert.notEqual(tell({ ...deposit, status: 'withdrawable' })?.id, tell(deposit)?.id);
  assert.equal(tell({ type: 'book_update' }), undefined);
  assert.equal(tell({ type: 'fill', trade_id: '9', order_id: '4', market: 'BTC-USDT', side: 'sell', price: '2', size: '1' })?.key, 'notify.fill.sell');
});

const block = (time: string, is_canonical = true): BlockView => ({ chain: 'bitcoin', height: 1, hash: '', parent_hash: '', time, is_canonical });

test('a wait is reckoned from the blocks that stayed in the chain', () => {
  const blocks = [block('2026-01-01T00:20:00Z'), block('2026-01-01T00:10:00Z'), block('2026-01-01T00:09:00Z', false), block('2026-01-01T00:00:00Z')];
  assert.equal(blockMs(blocks), 600_000);
  assert.equal(blockMs(blocks.slice(0, 1)), undefined);
  assert.equal(minutesFor(3, 600_000), 30);
  assert.equal(minutesFor(1, 1_000), 1);
  assert.equal(minutesFor(1, undefined), undefined);
});

test('a deposit waits for its credit, then to be final, then for nothing', () => {
  const deposit = { status: 'confirming', confirmations: 1, credit_confirmations: 3, withdrawable_confirmations: 6 } as DepositAnswer;
  assert.equal(blocksLeft(deposit), 2);
  assert.equal(blocksLeft({ ...deposit, status: 'credited', confirmations: 3 }), 3);
  assert.equal(blocksLeft({ ...deposit, status: 'withdrawable' }), undefined);
  assert.equal(blocksLeft({ ...deposit, status: 'held' }), undefined);
});

test('history is by moment, not by the text of it', () => {
  const row = (id: string, at: string): HistoryRow => ({ id, at, kind: 'buy', asset: '', amount: '', fee: '', feeAsset: '', detail: '', link: '', state: '' });
  const rows = [row('a', '2026-01-01T10:00:00Z'), row('b', '2026-01-01T11:30:00+02:00'), row('c', '2026-01-01T10:00:00.500Z')];
  assert.deepEqual(newest(rows, 2).map(({ id }) => id), ['c', 'a']);
  assert.equal(explorerLink('bitcoin', null), '');
  assert.equal(explorerLink('bitcoin', 'ab'), '/explorer/bitcoin/ab');
});
