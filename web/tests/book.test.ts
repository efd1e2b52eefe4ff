import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BookFollower, OutOfStep } from 'rialto-client';
import { grouped, steps } from '$lib/trading/levels';

type Level = [string, string];
type Message = Parameters<BookFollower['apply']>[0];
const TICK = '0.01';
const LOT = '0.0001';

/** The rule of docs/api.md written once more, in floating point: ten levels a side, asks first, in whole steps. */
function checksum(asks: Level[], bids: Level[]): number {
  const text = [...asks.slice(0, 10), ...bids.slice(0, 10)].map(([price, size]) => `${Math.round(Number(price) / 0.01)}:${Math.round(Number(size) / 0.0001)},`).join('');
  return crc(text);
}

/** Bit by bit: slow and obviously the polynomial of CRC-32. */
function crc(text: string): number {
  let value = 0xffffffff;
  for (const byte of Buffer.from(text)) {
    value ^= byte;
    for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  }
  return (value ^ 0xffffffff) >>> 0;
}

function snapshot(sequence: number, bids: Level[], asks: Level[]): Message {
  return { type: 'book_snapshot', market: 'BTC-USDT', sequence, bids, asks, checksum: checksum(asks, bids) };
}

function update(sequence: number, changes: { bids?: Level[]; asks?: Level[] }, after: { bids: Level[]; asks: Level[] }): Message {
  return {
    type: 'book_update', market: 'BTC-USDT', previous_sequence: sequence - 1, sequence,
    bids: changes.bids ?? [], asks: changes.asks ?? [], checksum: checksum(after.asks, after.bids),
  };
}

const BIDS: Level[] = [['100.00', '1.0000'], ['99.50', '2.0000']];
const ASKS: Level[] = [['100.50', '0.5000'], ['101.00', '3.0000']];

function follower(): BookFollower {
  const book = new BookFollower(TICK, LOT);
  book.apply(snapshot(7, BIDS, ASKS));
  return book;
}

test('levels are changed, added and removed, and stay in order', () => {
  const book = follower();
  const bids: Level[] = [['100.10', '0.2000'], ['100.00', '0.9000']];
  book.apply(update(8, { bids: [['100.00', '0.9000'], ['99.50', '0'], ['100.10', '0.2000']] }, { bids, asks: ASKS }));
  assert.deepEqual(book.view(), { bids, asks: ASKS, sequence: 8 });
});

test('a missing update is noticed', () => {
  const book = follower();
  assert.throws(() => book.apply(update(9, {}, { bids: BIDS, asks: ASKS })), OutOfStep);
  assert.equal(book.sequence, 7);
});

test('a repeated update is noticed', () => {
  const book = follower();
  book.apply(update(8, {}, { bids: BIDS, asks: ASKS }));
  assert.throws(() => book.apply(update(8, {}, { bids: BIDS, asks: ASKS })), OutOfStep);
});

test('a book that differs in one lot is noticed by its checksum', () => {
  const book = follower();
  const bids: Level[] = [['100.00', '1.0001'], ['99.50', '2.0000']];
  assert.throws(() => book.apply(update(8, { bids: [['100.00', '1.0000']] }, { bids, asks: ASKS })), OutOfStep);
});

test('a snapshot puts a broken book right', () => {
  const book = follower();
  assert.throws(() => book.apply(update(10, {}, { bids: BIDS, asks: ASKS })), OutOfStep);
  book.apply(snapshot(42, ASKS.slice(0, 0), ASKS));
  assert.deepEqual(book.view(), { bids: [], asks: ASKS, sequence: 42 });
});

test('a hundred random updates end at the book of whoever sent them', () => {
  let seed = 3;
  const random = (below: number): number => (seed = (seed * 1103515245 + 12345) % 2147483648) % below;
  const held = { bids: new Map(BIDS), asks: new Map(ASKS) };
  const sorted = (): { bids: Level[]; asks: Level[] } => ({
    bids: [...held.bids].sort((a, b) => Number(b[0]) - Number(a[0])), asks: [...held.asks].sort((a, b) => Number(a[0]) - Number(b[0])),
  });
  const book = follower();
  for (let sequence = 8; sequence < 108; sequence += 1) {
    const side = random(2) === 0 ? 'bids' : 'asks';
    const price = (side === 'bids' ? 90 + random(1000) / 100 : 100.5 + random(1000) / 100).toFixed(2);
    const size = random(3) === 0 ? '0' : (random(9999) / 10000 + 0.0001).toFixed(4);
    if (size === '0') held[side].delete(price);
    else held[side].set(price, size);
    book.apply(update(sequence, { [side]: [[price, size]] }, sorted()));
  }
  assert.deepEqual(book.view(), { ...sorted(), sequence: 107 });
});

test('grouping never makes a price look better, and loses no size', () => {
  const bids: Level[] = [['100.09', '1'], ['100.01', '2'], ['99.99', '4']];
  const asks: Level[] = [['100.11', '1'], ['100.20', '2'], ['100.21', '4']];
  assert.deepEqual(grouped(bids, 'buy', '0.1', LOT, 10).map(({ price, size, total }) => [price, size, total]), [['100', '3', '3'], ['99.9', '4', '7']]);
  assert.deepEqual(grouped(asks, 'sell', '0.1', LOT, 10).map(({ price, size, total }) => [price, size, total]), [['100.2', '3', '3'], ['100.3', '4', '7']]);
});

test('grouping shows so many rows and the share of each in the whole', () => {
  const rows = grouped([['3', '1'], ['2', '1'], ['1', '2']], 'buy', '1', '1', 2);
  assert.deepEqual(rows.map(({ price, share }) => [price, share]), [['3', 0.5], ['2', 1]]);
  assert.deepEqual(steps('0.05'), ['0.05', '0.5', '5', '50', '500']);
});
