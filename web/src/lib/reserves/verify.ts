/** Proof of reserves, checked in the browser. The format is told in docs/proof-of-reserves.md. */
import { at } from './at';
import { bip322Signs, eip191Signs } from './signatures';

export type Sums = Record<string, string>;

export interface Step {
  /** On which side of ours the neighbour stands. */
  side: 'left' | 'right';
  hash: string;
  sums: Sums;
}

export interface LeafProof {
  format: 'rialto-leaf/1';
  bundle: string;
  customer_id: string;
  nonce: string;
  sums: Sums;
  path: Step[];
}

export interface Bundle {
  format: 'rialto-reserves/1';
  bundle: string;
  taken_at: string;
  leaves: number;
  root: { hash: string; sums: Sums };
  blocks: Record<string, { height: number; hash: string }>;
  reserves: { asset: string; chain: string; address: string; units: string }[];
  signatures: { chain: string; address: string; format: string; signature: string }[];
}

export class BadProof extends Error {}

const UNITS_MAX = 1n << 128n;
const HEX_32 = /^[0-9a-f]{64}$/;
const STEPS_MAX = 64;

/** Whole units, none negative, none so large that sums could wrap round elsewhere. */
function unitsOf(text: unknown): bigint {
  if (typeof text !== 'string' || !/^\d{1,40}$/.test(text)) throw new BadProof('a sum is not a whole number');
  const units = BigInt(text);
  if (units >= UNITS_MAX) throw new BadProof('a sum is too large');
  return units;
}

/** `BTC:1,ETH:0,USDT:5`: assets in alphabetical order. */
export function canonical(sums: Sums): string {
  return Object.keys(sums)
    .sort()
    .map((asset) => `${asset}:${unitsOf(sums[asset])}`)
    .join(',');
}

function added(left: Sums, right: Sums): Sums {
  if (Object.keys(left).sort().join() !== Object.keys(right).sort().join()) throw new BadProof('the assets differ');
  return Object.fromEntries(
    Object.keys(left).map((asset) => [asset, String(unitsOf(String(unitsOf(left[asset]) + unitsOf(right[asset]))))]),
  );
}

async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

export function leafHash(proof: LeafProof): Promise<string> {
  return sha256(['rialto-leaf/1', proof.bundle, proof.customer_id, proof.nonce, canonical(proof.sums)].join('\n'));
}

interface Node {
  hash: string;
  sums: Sums;
}

async function parent(left: Node, right: Node): Promise<Node> {
  if (left.hash === right.hash) throw new BadProof('the same leaf or node stands twice');
  const lines = ['rialto-node/1', left.hash, canonical(left.sums), right.hash, canonical(right.sums)];
  return { hash: await sha256(lines.join('\n')), sums: added(left.sums, right.sums) };
}

function expectRoot(found: Node, bundle: Bundle): void {
  if (found.hash !== bundle.root.hash) throw new BadProof('the path does not lead to the published root');
  if (canonical(found.sums) !== canonical(bundle.root.sums)) throw new BadProof('the sums are not those of the root');
}

async function leafNode(proof: LeafProof): Promise<Node> {
  if (proof.format !== 'rialto-leaf/1') throw new BadProof('the format is unknown');
  if (!HEX_32.test(proof.nonce)) throw new BadProof('the nonce is not 32 bytes in hex');
  return { hash: await leafHash(proof), sums: proof.sums };
}

/** Whose leaf it must be, and leaves of other bundles: no nonce may come again. */
export interface Known {
  customer?: string;
  earlier?: LeafProof[];
}

/** That the leaf stands in the tree with this root. Raises BadProof. */
export async function verifyLeaf(proof: LeafProof, bundle: Bundle, known: Known = {}): Promise<void> {
  if (bundle.format !== 'rialto-reserves/1') throw new BadProof('the format is unknown');
  if (proof.bundle !== bundle.bundle) throw new BadProof('leaf and bundle are of different days');
  if (known.customer !== undefined && known.customer !== proof.customer_id) throw new BadProof("the leaf is another customer's");
  if (known.earlier?.some((old) => old.nonce === proof.nonce)) throw new BadProof('the nonce was used before');
  if (!Array.isArray(proof.path) || proof.path.length > STEPS_MAX) throw new BadProof('the path is too long');
  let here = await leafNode(proof);
  for (const step of proof.path) {
    if (!HEX_32.test(step.hash)) throw new BadProof('a hash is not 32 bytes in hex');
    if (step.side !== 'left' && step.side !== 'right') throw new BadProof('a neighbour stands on no side');
    here = await (step.side === 'left' ? parent(step, here) : parent(here, step));
  }
  expectRoot(here, bundle);
}

/** That these leaves, and no others, make the root. Raises BadProof. For an auditor. */
export async function verifyTree(leaves: LeafProof[], bundle: Bundle): Promise<void> {
  for (const what of ['customer_id', 'nonce'] as const) {
    if (new Set(leaves.map((leaf) => leaf[what])).size !== leaves.length) throw new BadProof(`a ${what} stands twice`);
  }
  if (leaves.some((leaf) => leaf.bundle !== bundle.bundle)) throw new BadProof('leaf and bundle are of different days');
  if (leaves.length === 0 || leaves.length !== bundle.leaves) throw new BadProof('the number of leaves is not the published one');
  let level = await Promise.all(leaves.map(leafNode));
  level.sort((one, other) => (one.hash < other.hash ? -1 : 1));
  while (level.length > 1) {
    const above: Node[] = [];
    for (let place = 0; place + 1 < level.length; place += 2) above.push(await parent(at(level, place), at(level, place + 1)));
    level = level.length % 2 === 1 ? [...above, at(level, level.length - 1)] : above;
  }
  expectRoot(at(level, 0), bundle);
}

/** The text that the address's key signed. */
export function challenge(bundle: Bundle, chain: string, address: string): string {
  const block = bundle.blocks[chain];
  if (block === undefined) throw new BadProof('a chain has no block');
  const lines = [
    'Rialto proof of reserves, challenge 1',
    `bundle: ${bundle.bundle}`,
    `liabilities: ${bundle.root.hash}`,
    `chain: ${chain}`,
    `block: ${block.height} ${block.hash}`,
    `address: ${address}`,
    'This signature moves no funds.',
  ];
  if (lines.some((line) => line.includes('\n'))) throw new BadProof('a field holds a line break');
  return lines.join('\n');
}

async function isSigned(text: string, given: Bundle['signatures'][number]): Promise<boolean> {
  try {
    if (given.chain === 'bitcoin' && given.format === 'bip322-simple') return await bip322Signs(text, given.address, given.signature);
    if (given.chain === 'ethereum' && given.format === 'eip191') return eip191Signs(text, given.address, given.signature);
  } catch {
    return false; // It cannot even be read.
  }
  throw new BadProof('the format of a signature is unknown');
}

/** That every reserve is listed once, signed for, and that they cover what is owed. Raises BadProof. */
export async function verifyBundle(bundle: Bundle): Promise<void> {
  if (bundle.format !== 'rialto-reserves/1') throw new BadProof('the format is unknown');
  if (!HEX_32.test(bundle.root.hash)) throw new BadProof('the root is not 32 bytes in hex');
  const signed = new Set(bundle.signatures.map((each) => `${each.chain} ${each.address}`));
  const places = bundle.reserves.map((each) => `${each.asset} ${each.chain} ${each.address.toLowerCase()}`);
  if (new Set(places).size !== places.length) throw new BadProof('an address is listed twice');
  for (const each of bundle.reserves) {
    if (!(each.asset in bundle.root.sums)) throw new BadProof('the assets differ');
    if (!signed.has(`${each.chain} ${each.address}`)) throw new BadProof(`nobody signed for ${each.address}`);
  }
  for (const each of bundle.signatures) {
    const text = challenge(bundle, each.chain, each.address);
    if (!(await isSigned(text, each))) throw new BadProof(`the signature of ${each.address} is wrong`);
  }
  const short = coverage(bundle).find((each) => !each.covers);
  if (short) throw new BadProof(`${short.asset}: ${short.reserves} units are held, ${short.owed} are owed`);
}

export interface Cover {
  asset: string;
  owed: bigint;
  reserves: bigint;
  covers: boolean;
}

/** What is owed against what the listed addresses hold, asset by asset. */
export function coverage(bundle: Bundle): Cover[] {
  return Object.keys(bundle.root.sums)
    .sort()
    .map((asset) => {
      const owed = unitsOf(bundle.root.sums[asset]);
      const reserves = bundle.reserves
        .filter((each) => each.asset === asset)
        .reduce((sum, each) => sum + unitsOf(each.units), 0n);
      return { asset, owed, reserves, covers: reserves >= owed };
    });
}
