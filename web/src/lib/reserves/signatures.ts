/** Signed texts of Bitcoin (BIP 322, P2WPKH) and Ethereum (EIP-191) addresses: slow, plain, whole. */
import { at } from './at';
import { keccak256, ripemd160 } from './hashes';

const P = 2n ** 256n - 2n ** 32n - 977n;
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
type Point = { x: bigint; y: bigint } | undefined;
const BASE: Point = {
  x: 0x79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798n,
  y: 0x483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8n,
};

function modulo(number: bigint, by: bigint): bigint {
  return ((number % by) + by) % by;
}

function power(base: bigint, exponent: bigint, by: bigint): bigint {
  let result = 1n;
  for (base = modulo(base, by); exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n) result = (result * base) % by;
    base = (base * base) % by;
  }
  return result;
}

/** By Euclid: this is where nearly all the time goes. */
function inverse(number: bigint, by: bigint): bigint {
  let [larger, smaller, last, next] = [by, modulo(number, by), 0n, 1n];
  while (smaller > 0n) {
    const quotient = larger / smaller;
    [larger, smaller] = [smaller, larger - quotient * smaller];
    [last, next] = [next, last - quotient * next];
  }
  return modulo(last, by);
}

function add(one: Point, other: Point): Point {
  if (one === undefined || other === undefined) return one ?? other;
  if (one.x === other.x && modulo(one.y + other.y, P) === 0n) return undefined;
  const slope =
    one.x === other.x ? 3n * one.x * one.x * inverse(2n * one.y, P) : (other.y - one.y) * inverse(other.x - one.x, P);
  const x = modulo(slope * slope - one.x - other.x, P);
  return { x, y: modulo(slope * (one.x - x) - one.y, P) };
}

function times(number: bigint, point: Point): Point {
  let total: Point;
  for (; number > 0n; number >>= 1n) {
    if (number & 1n) total = add(total, point);
    point = add(point, point);
  }
  return total;
}

function lift(x: bigint, parity: number): Point {
  const square = modulo(x * x * x + 7n, P);
  const y = power(square, (P + 1n) / 4n, P);
  if (x >= P || (y * y) % P !== square) return undefined;
  return { x, y: Number(y & 1n) === parity ? y : P - y };
}

/** Of the two signatures that are as good as each other, only one is taken. */
function isLow(r: bigint, s: bigint): boolean {
  return r > 0n && r < ORDER && s > 0n && s <= ORDER / 2n;
}

function numberOf(bytes: Uint8Array): bigint {
  return bytes.reduce((number, byte) => (number << 8n) | BigInt(byte), 0n);
}

function bytesOf(hex: string): Uint8Array {
  if (!/^([0-9a-f]{2})*$/i.test(hex)) throw new TypeError('not hex');
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

function hexOf(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

function joined(...parts: (Uint8Array | number[])[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

async function sha256(data: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', new Uint8Array(data)));
}

async function twice(data: Uint8Array): Promise<Uint8Array> {
  return sha256(await sha256(data));
}

/** Whether the key of the Ethereum address signed the text. */
export function eip191Signs(text: string, address: string, signature: string): boolean {
  const raw = bytesOf(signature.slice(2));
  if (!signature.startsWith('0x') || raw.length !== 65 || (raw[64] !== 27 && raw[64] !== 28)) return false;
  const message = new TextEncoder().encode(text);
  const prefix = new TextEncoder().encode(`\x19Ethereum Signed Message:\n${message.length}`);
  const digest = numberOf(keccak256(joined(prefix, message)));
  const [r, s] = [numberOf(raw.slice(0, 32)), numberOf(raw.slice(32, 64))];
  if (!isLow(r, s)) return false;
  const nonce = lift(r, raw[64] - 27);
  if (nonce === undefined) return false;
  const divided = inverse(r, ORDER);
  const key = add(times((s * divided) % ORDER, nonce), times(modulo(-digest * divided, ORDER), BASE));
  if (key === undefined) return false;
  const plain = bytesOf(key.x.toString(16).padStart(64, '0') + key.y.toString(16).padStart(64, '0'));
  return `0x${hexOf(keccak256(plain).slice(12))}` === address.toLowerCase();
}

/** Whether the key of the P2WPKH address signed the text: BIP 322 in its simple form. */
export async function bip322Signs(text: string, address: string, signature: string): Promise<boolean> {
  const raw = Uint8Array.from(atob(signature), (each) => each.charCodeAt(0));
  const size = raw[1] ?? 0;
  const der = raw.slice(2, 2 + size);
  const key = raw.slice(3 + size);
  if (raw[0] !== 2 || raw[2 + size] !== 33 || key.length !== 33 || der[der.length - 1] !== 1) return false;
  if (key[0] !== 2 && key[0] !== 3) return false;
  const program = ripemd160(await sha256(key));
  if (hexOf(segwitProgram(address)) !== hexOf(program)) return false;
  const [r, s] = parseDer(der.slice(0, -1));
  const point = lift(numberOf(key.slice(1)), key[0] & 1);
  if (point === undefined || !isLow(r, s)) return false;
  const digest = numberOf(await bip322Digest(text, program));
  const divided = inverse(s, ORDER);
  const found = add(times((digest * divided) % ORDER, BASE), times((r * divided) % ORDER, point));
  return found !== undefined && found.x % ORDER === r;
}

async function bip322Digest(text: string, program: Uint8Array): Promise<Uint8Array> {
  const tag = await sha256(new TextEncoder().encode('BIP0322-signed-message'));
  const message = await sha256(joined(tag, tag, new TextEncoder().encode(text)));
  const [zero, amount] = [new Uint8Array(4), new Uint8Array(8)];
  const script = joined([0, 20], program);
  const input = joined([1], new Uint8Array(32), [255, 255, 255, 255], [34, 0, 32], message, zero);
  const spent = joined(zero, input, [1], amount, [script.length], script, zero);
  const outpoint = joined(await twice(spent), zero);
  const code = joined([0x19, 0x76, 0xa9, 0x14], program, [0x88, 0xac]);
  const output = await twice(joined(amount, [1, 0x6a]));
  return twice(
    joined(zero, await twice(outpoint), await twice(zero), outpoint, code, amount, zero, output, zero, [1, 0, 0, 0]),
  );
}

function parseDer(der: Uint8Array): [bigint, bigint] {
  const size = at(der, 3);
  const isDer = der[0] === 0x30 && der[1] === der.length - 2 && der[2] === 2 && der[4 + size] === 2;
  if (!isDer || der[5 + size] !== der.length - 6 - size) throw new TypeError('not DER');
  return [numberOf(der.slice(4, 4 + size)), numberOf(der.slice(6 + size))];
}

/** The 20 bytes of a P2WPKH address (BIP 173). */
function segwitProgram(address: string): Uint8Array {
  const at = address.lastIndexOf('1');
  const prefix = address.slice(0, at);
  if (!['bc', 'tb', 'bcrt'].includes(prefix)) throw new TypeError('not a segwit address');
  const values = [...address.slice(at + 1)].map((each) => 'qpzry9x8gf2tvdw0s3jn54khce6mua7l'.indexOf(each));
  const codes = [...prefix].map((each) => each.charCodeAt(0));
  let check = 1;
  for (const value of [...codes.map((code) => code >> 5), 0, ...codes.map((code) => code & 31), ...values]) {
    const top = check >> 25;
    check = ((check & 0x1ffffff) << 5) ^ value;
    [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3].forEach((each, bit) => {
      if ((top >> bit) & 1) check ^= each;
    });
  }
  if (check !== 1 || values.length !== 39 || values[0] !== 0 || values.includes(-1)) throw new TypeError('not P2WPKH');
  const number = values.slice(1, -6).reduce((sum, value) => (sum << 5n) | BigInt(value), 0n);
  return bytesOf(number.toString(16).padStart(40, '0'));
}
