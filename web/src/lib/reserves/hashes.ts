/** Two hashes that browsers lack: Keccak-256 (Ethereum's) and RIPEMD-160 (Bitcoin's). */
import { at } from './at';

const MASK_64 = (1n << 64n) - 1n;

function left64(word: bigint, by: number): bigint {
  return ((word << BigInt(by)) | (word >> BigInt(64 - by))) & MASK_64;
}

/** Keccak-256 as Ethereum has it, before the padding of SHA-3. */
export function keccak256(data: Uint8Array): Uint8Array {
  const rate = 136;
  const padded = new Uint8Array(data.length + rate - (data.length % rate));
  padded.set(data);
  padded[data.length] = 0x01;
  padded[padded.length - 1] = at(padded, padded.length - 1) | 0x80;
  let lanes = new Array<bigint>(25).fill(0n);
  for (let start = 0; start < padded.length; start += rate) {
    const block = new DataView(padded.buffer, start, rate);
    lanes = permuted(lanes.map((lane, i) => (8 * i < rate ? lane ^ block.getBigUint64(8 * i, true) : lane)));
  }
  const digest = new DataView(new ArrayBuffer(32));
  for (let number = 0; number < 4; number++) digest.setBigUint64(8 * number, at(lanes, number), true);
  return new Uint8Array(digest.buffer);
}

/** The place so many lanes to the right in the row of five. */
function besides(place: number, by: number): number {
  return place - (place % 5) + ((place + by) % 5);
}

function permuted(lanes: bigint[]): bigint[] {
  let state = 1;
  for (let round = 0; round < 24; round++) {
    const sums = [0, 1, 2, 3, 4].map((x) => [0, 5, 10, 15, 20].reduce((sum, row) => sum ^ at(lanes, x + row), 0n));
    lanes = lanes.map((lane, i) => lane ^ at(sums, (i + 4) % 5) ^ left64(at(sums, (i + 1) % 5), 1));
    let [x, y, moved] = [1, 0, at(lanes, 1)];
    for (let step = 0; step < 24; step++) {
      [x, y] = [y, (2 * x + 3 * y) % 5];
      const place = x + 5 * y;
      [lanes[place], moved] = [left64(moved, (((step + 1) * (step + 2)) / 2) % 64), at(lanes, place)];
    }
    const turned = lanes;
    lanes = turned.map((lane, i) => lane ^ (~at(turned, besides(i, 1)) & MASK_64 & at(turned, besides(i, 2))));
    for (let bit = 0; bit < 7; bit++) {
      lanes[0] = at(lanes, 0) ^ (BigInt(state & 1) << BigInt((1 << bit) - 1));
      state = (state << 1) ^ (state & 0x80 ? 0x171 : 0);
    }
  }
  return lanes;
}

/** Which word each step takes, and by how many bits it turns, as hex digits; two lines of each. */
const WORDS: readonly [string, string] = [
  '0123456789abcdef74d1a6f3c0952eb83ae49f812706db5c19ba08c4d37fe56240597c2ae138b6fd',
  '5e7092b4d6f81a3c6b370d5aef8c4912f5137e69b8c2a04d86413bf05c2d97aecfa4158762de039b',
];
const TURNS: readonly [string, string] = [
  'befc5879bdef6798768db97f7cf9b7dcbd67e9dfe8d65c75bcefef989e56865c9f5b68dc5cdeb856',
  '899bdff5778beec69df7c89b77c76fdb97fb866ecd5edd75f58bee6e69c9c5f885c9c5e68d65fdbb',
];
const ADDED: readonly [readonly number[], readonly number[]] = [
  [0, 0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xa953fd4e],
  [0x50a28be6, 0x5c4dd124, 0x6d703ef3, 0x7a6d76e9, 0],
];

type Words = [number, number, number, number, number];

function digit(digits: string, place: number): number {
  return parseInt(at(digits, place), 16);
}

function left32(word: number, by: number): number {
  return (word << by) | (word >>> (32 - by));
}

function mixed(round: number, x: number, y: number, z: number): number {
  if (round === 0) return x ^ y ^ z;
  if (round === 1) return (x & y) | (~x & z);
  if (round === 2) return (x | ~y) ^ z;
  if (round === 3) return (x & z) | (y & ~z);
  return x ^ (y | ~z);
}

export function ripemd160(data: Uint8Array): Uint8Array {
  const padded = new Uint8Array(64 * Math.ceil((data.length + 9) / 64));
  padded.set(data);
  padded[data.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 8, 8 * data.length, true);
  let state: Words = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0];
  for (let start = 0; start < padded.length; start += 64) {
    const [last, one, other] = [state, line(state, view, start, 0), line(state, view, start, 1)];
    const sum = (i: number): number => (at(last, (i + 1) % 5) + at(one, (i + 2) % 5) + at(other, (i + 3) % 5)) | 0;
    state = [sum(0), sum(1), sum(2), sum(3), sum(4)];
  }
  const digest = new DataView(new ArrayBuffer(20));
  state.forEach((word, i) => digest.setInt32(4 * i, word, true));
  return new Uint8Array(digest.buffer);
}

function line(state: Words, view: DataView, start: number, which: 0 | 1): Words {
  let [a, b, c, d, e] = state;
  for (let step = 0; step < 80; step++) {
    const round = Math.floor(step / 16);
    const word = view.getUint32(start + 4 * digit(WORDS[which], step), true);
    const sum = (a + mixed(which ? 4 - round : round, b, c, d) + word + at(ADDED[which], round)) | 0;
    const turned = (left32(sum, digit(TURNS[which], step)) + e) | 0;
    [a, b, c, d, e] = [e, turned, b, left32(c, 10), d];
  }
  return [a, b, c, d, e];
}
