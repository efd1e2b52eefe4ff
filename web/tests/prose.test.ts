import assert from 'node:assert/strict';
import { test } from 'node:test';
import { paragraphs, pieces } from '$lib/docs/prose';

test('what stands between backticks is code, and markup is only text', () => {
  assert.deepEqual(pieces('Pass `next_cursor` as `cursor`.'), [
    { text: 'Pass ', isCode: false },
    { text: 'next_cursor', isCode: true },
    { text: ' as ', isCode: false },
    { text: 'cursor', isCode: true },
    { text: '.', isCode: false },
  ]);
  assert.deepEqual(pieces('`<mark>`'), [{ text: '<mark>', isCode: true }]);
  assert.deepEqual(pieces('one ` alone'), [{ text: 'one ` alone', isCode: false }]);
  assert.deepEqual(pieces(''), []);
});

test('blank lines part paragraphs, wrapped lines do not', () => {
  const found = paragraphs('First line\ngoes on.\n\nSecond\n  `code`.\n');
  assert.deepEqual(found.map((each) => each.map(({ text }) => text).join('|')), ['First line goes on.', 'Second |code|.']);
});
