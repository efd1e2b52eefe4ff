import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Words } from '$lib/i18n';
import de from '$lib/i18n/de';
import en from '$lib/i18n/en';

test('every text has the same fields in both languages', () => {
  const fields = (text: string): string[] => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!).sort();
  for (const key of Object.keys(en) as (keyof typeof en)[]) assert.deepEqual(fields(de[key]), fields(en[key]), key);
});

test('numbers are written from their text, cut and not rounded, in the language\'s own way', () => {
  assert.equal(new Words('en', en).number('1234567.899', 2), '1,234,567.89');
  assert.equal(new Words('de', de).number('1234567.899', 2), '1.234.567,89');
  assert.equal(new Words('en', en).number('9007199254740993.00000001'), '9,007,199,254,740,993.00000001');
});

test('a code without a word is shown as it is', () => {
  assert.equal(new Words('en', en).word('order.status', 'never_heard_of'), 'never heard of');
});
