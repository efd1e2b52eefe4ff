import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MarketAnswer } from '$lib/api';
import { complaint, Draft, quoteScale } from '$lib/trading/draft.svelte';

const MARKET = { id: 'BTC-USDT', base: 'BTC', quote: 'USDT', tick_size: '0.01', lot_size: '0.0001', notional_min: '5' } as MarketAnswer;

function draft(fields: Partial<Draft> = {}): Draft {
  return Object.assign(new Draft(MARKET), fields);
}

test('an order without a size is refused before it is sent', () => {
  assert.equal(complaint(draft({ price: '100' }), '1000', null), 'size');
  assert.equal(complaint(draft({ price: '100', size: '0.0000' }), '1000', null), 'size');
});

test('each field an order needs is asked for before it is sent', () => {
  const now = Date.UTC(2026, 0, 1);
  const said = (fields: Partial<Draft>): unknown => complaint(draft({ size: '1', ...fields }), undefined, '100', now);
  assert.equal(said({}), 'price');
  assert.equal(said({ kind: 'stop_limit', price: '100' }), 'stop');
  assert.equal(said({ kind: 'pair', stopPrice: '90' }), 'price');
  for (const trailPercent of ['', '0', '0.004', '100', 'x']) assert.equal(said({ kind: 'trailing_stop', trailPercent }), 'trail');
  assert.equal(said({ kind: 'trailing_stop', trailPercent: '99.99' }), undefined);
  for (const expiresAt of ['', '2025-12-31T12:00']) assert.equal(said({ price: '100', lifetime: 'gtd', expiresAt }), 'until');
  assert.equal(said({ price: '100', lifetime: 'gtd', expiresAt: '2026-01-03T00:00' }), undefined);
  assert.equal(said({ kind: 'market', lifetime: 'gtd' }), undefined);
});

test('the smallest order is refused one unit below, and taken at the minimum', () => {
  assert.equal(complaint(draft({ price: '49.99', size: '0.1' }), '1000', null), 'least');
  assert.equal(complaint(draft({ price: '50', size: '0.1' }), '1000', null), undefined);
});

test('a buyer needs the quote asset and a seller the base, to the last unit', () => {
  assert.equal(complaint(draft({ price: '100.01', size: '1' }), '100.00', null), 'funds');
  assert.equal(complaint(draft({ price: '100.00', size: '1' }), '100.00', null), undefined);
  assert.equal(complaint(draft({ side: 'sell', price: '100', size: '1.0001' }), '1', null), 'funds');
  assert.equal(complaint(draft({ side: 'sell', price: '100', size: '1' }), '1', null), undefined);
});

test('who is not logged in is not told that funds are missing', () => {
  assert.equal(complaint(draft({ price: '100', size: '1' }), undefined, null), undefined);
});

test('totals are exact where floats are not', () => {
  assert.equal(draft({ price: '1.1', size: '1.1' }).total(null), '1.21');
  assert.equal(draft({ kind: 'market', size: '0.3' }).total('0.1'), '0.03');
  assert.equal(quoteScale(MARKET), 6);
});

test('a share of what is available is cut down to a lot that can be paid', () => {
  const buy = draft({ price: '3' });
  buy.takeShare(100, '10', null);
  assert.equal(buy.size, '3.3333');
  assert.equal(complaint(buy, '10', null), undefined);
  const sell = draft({ side: 'sell', price: '3' });
  sell.takeShare(25, '0.00099', null);
  assert.equal(sell.size, '0.0002');
});

test('a share without any price is nothing, not a fault', () => {
  const order = draft({ kind: 'market' });
  order.takeShare(50, '10', null);
  assert.equal(order.size, '0');
});

test('each kind of order sends its own fields and no others', () => {
  const fields = { price: '100', stopPrice: '90', size: '1', trailPercent: '1.25', displaySize: '0.5', isPostOnly: true };
  const sent = (kind: Draft['kind']): string[] => Object.keys(draft({ ...fields, kind }).bodies()[0]).sort();
  const common = ['market', 'self_trade_prevention', 'side', 'size', 'type'];
  assert.deepEqual(sent('market'), common);
  assert.deepEqual(sent('stop'), [...common, 'stop_price'].sort());
  assert.deepEqual(sent('take_profit'), [...common, 'stop_price'].sort());
  assert.deepEqual(sent('trailing_stop'), [...common, 'trail_bps'].sort());
  assert.deepEqual(sent('limit'), [...common, 'display_size', 'post_only', 'price', 'time_in_force'].sort());
  assert.deepEqual(sent('stop_limit'), [...common, 'display_size', 'post_only', 'price', 'stop_price', 'time_in_force'].sort());
  assert.equal(draft({ ...fields, kind: 'trailing_stop' }).bodies()[0].trail_bps, 125);
});

test('an order that does not wait is neither post-only nor an iceberg', () => {
  const [body] = draft({ price: '100', size: '1', lifetime: 'ioc', isPostOnly: true, displaySize: '0.5' }).bodies();
  assert.equal(body.time_in_force, 'ioc');
  assert.ok(!('post_only' in body) && !('display_size' in body));
});

test('a pair is a limit order and a stop of one size', () => {
  const [limit, stop] = draft({ kind: 'pair', side: 'sell', price: '110', stopPrice: '90', size: '1' }).bodies();
  assert.deepEqual([limit.type, limit.price, limit.size], ['limit', '110', '1']);
  assert.deepEqual([stop?.type, stop?.stop_price, stop?.size], ['stop', '90', '1']);
});

test('a market order by its total says the total', () => {
  const [body] = draft({ kind: 'market', byQuote: true, quoteSize: '25.5', size: '9' }).bodies();
  assert.equal(body.quote_size, '25.5');
  assert.ok(!('size' in body));
});
