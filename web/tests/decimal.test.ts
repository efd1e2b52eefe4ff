import assert from 'node:assert/strict';
import { test } from 'node:test';
import { add, change, compare, divide, floorTo, format, isZero, multiply, parse, subtract } from '$lib/format/decimal';

test('amounts above 2^53 are exact', () => {
  assert.equal(add('9007199254740993.00000001', '0.00000001'), '9007199254740993.00000002');
  assert.equal(multiply('90071992547409931', '3', 0), '270215977642229793');
});

test('0.1 and 0.2 are 0.3', () => {
  assert.equal(add('0.1', '0.2'), '0.3');
  assert.equal(subtract('0.3', '0.1'), '0.2');
});

test('parse refuses what is no plain decimal, and more decimals than there are', () => {
  for (const text of ['', '.', '-1', '1e3', '1,5', 'NaN', '0x10', ' ', '1.2.3']) assert.equal(parse(text, 8), undefined, text);
  assert.equal(parse('1.123456789', 8), undefined);
  assert.equal(parse('1.123456780', 8), 112345678n);
  assert.equal(parse('.5', 2), 50n);
  assert.equal(parse('7.', 2), 700n);
});

test('parse and format are each other\'s inverse', () => {
  for (const units of [0n, 1n, -1n, 99n, 100n, 123456789012345678901234567890n]) {
    for (const scale of [0, 1, 8, 18]) {
      const text = format(units < 0n ? -units : units, scale);
      assert.equal(parse(text, scale), units < 0n ? -units : units);
    }
  }
  assert.equal(format(-5n, 2), '-0.05');
});

test('products and quotients are cut off, never rounded up', () => {
  assert.equal(multiply('0.19', '0.19', 2), '0.03');
  assert.equal(divide('2', '3', 4), '0.6666');
  assert.equal(divide('1', '0', 4), '0');
  assert.equal(divide('1', '', 4), '0');
});

test('floorTo takes the step below or the value itself', () => {
  assert.equal(floorTo('0.12345', '0.0001'), '0.1234');
  assert.equal(floorTo('0.1234', '0.0001'), '0.1234');
  assert.equal(floorTo('0.00009', '0.0001'), '0');
});

test('order is that of the numbers, not of the texts', () => {
  assert.equal(compare('9', '10'), -1);
  assert.equal(compare('1.0', '1'), 0);
  assert.equal(compare('0.30', '0.299999'), 1);
});

test('a change from nothing is unknown', () => {
  assert.equal(change('0', '5'), undefined);
  assert.equal(change('0.00', '5'), undefined);
  assert.equal(change(null, '5'), undefined);
  assert.equal(change('4', '5'), 0.25);
  assert.ok(isZero('') && isZero('0.000') && !isZero('0.001'));
});
