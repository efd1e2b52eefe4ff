/** Two hashes that browsers lack: Keccak-256 (Ethereum's) and RIPEMD-160 (Bitcoin's). */

const MASK_64 = (1n << 64n) - 1n;

function left64(word: bigint, by: number): bigint {
  return ((word << BigInt(by)) | (word >> BigInt(64 - by))) & MASK_64;
}

/** Keccak-256 as Ethereum has it, before the padding of SHA-3. */
export function keccak256(data: Uint8Array): Uint8Array {
  const rate = 136;
  const padded = new Uint8Array(data.length + rate - (data.length % rate));
  padded.set(data);
  padded[data.length] ^= 0x01;
  padded[padded.length - 1] ^= 0x80;
  let lanes = new Array<bigint>(25).fill(0n);
  for (let start = 0; start < padded.length; start += rate) {
    const block = new DataView(padded.buffer, start, rate);
    for (let place = 0; place < rate; place += 8) lanes[place / 8] ^= block.getBigUint64(place, true);
    lanes = permuted(lanes);
  }
  const digest = new DataView(new ArrayBuffer(32));
  for (let number = 0; number < 4; number++) digest.setBigUint64(8 * number, lanes[number], true);
  return new Uint8Array(digest.buffer);
}

function permuted(lanes: bigint[]): bigint[] {
  let state = 1;
  for (let round = 0; round < 24; round++) {
    const sums = [0, 1, 2, 3, 4].map((x) => lanes[x] ^ lanes[x + 5] ^ lanes[x + 10] ^ lanes[x + 15] ^ lanes[x + 20]);
    lanes = lanes.map((lane, i) => lane ^ sums[(i + 4) % 5] ^ left64(sums[(i + 1) % 5], 1));
    let [x, y, moved] = [1, 0, lanes[1]];
    for (let step = 0; step < 24; step++) {
      [x, y] = [y, (2 * x + 3 * y) % 5];
      const place = x + 5 * y;
      [lanes[place], moved] = [left64(moved, (((step + 1) * (step + 2)) / 2) % 64), lanes[place]];
    }
    lanes = lanes.map((lane, i) => lane ^ (~lanes[i - (i % 5) + ((i + 1) % 5)] & MASK_64 & lanes[i - (i % 5) + ((i + 2) % 5)]));
    for (let bit = 0; bit < 7; bit++) {
      lanes[0] ^= BigInt(state & 1) << BigInt((1 << bit) - 1);
      state = (state << 1) ^ (state & 0x80 ? 0x171 : 0);
    }
  }
  return lanes;
}

/** Which word each step takes, and by how many bits it turns, as hex digits; two lines of each. */
const WORDS = [
  '0123456789abcdef74d1a6f3c0952eb83ae49f812706db5c19ba08c4d37fe56240597c2ae138b6fd',
  '5e7092b4d6f81a3c6b370d5aef8c4912f5137e69b8c2a04d86413bf05c2d97aecfa4158762de039b',
];
const TURNS = [
  'befc5879bdef6798768db97f7cf9b7dcbd67e9dfe8d65c75bcefef989e56865c9f5b68dc5cdeb856',
  '899bdff5778beec69df7c89b77c76fdb97fb866ecd5edd75f58bee6e69c9c5f885c9c5e68d65fdbb',
];
const ADDED = [
  [0, 0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xa953fd4e],
  [0x50a28be6, 0x5c4dd124, 0x6d703ef3, 0x7a6d76e9, 0],
];

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
  let state = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0];
  for (let start = 0; start < padded.length; start += 64) {
    const [one, other] = [line(state, view, start, 0), line(state, view, start, 1)];
    state = state.map((_, i) => (state[(i + 1) % 5] + one[(i + 2) % 5] + other[(i + 3) % 5]) | 0);
  }
  const digest = new DataView(new ArrayBuffer(20));
  state.forEach((word, i) => digest.setInt32(4 * i, word, true));
  return new Uint8Array(digest.buffer);
}

function line(state: number[], view: DataView, start: number, which: number): number[] {
  let [a, b, c, d, e] = state;
  for (let step = 0; step < 80; step++) {
    const round = Math.floor(step / 16);
    const word = view.getUint32(start + 4 * parseInt(WORDS[which][step], 16), true);
    const sum = (a + mixed(which ? 4 - round : round, b, c, d) + word + ADDED[which][round]) | 0;
    const turned = (left32(sum, parseInt(TURNS[which][step], 16)) + e) | 0;
    [a, b, c, d, e] = [e, turned, b, left32(c, 10), d];
  }
  return [a, b, c, d, e];
}
