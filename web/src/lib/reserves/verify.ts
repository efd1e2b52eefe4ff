/** Proof of reserves, checked in the browser. The format is told in docs/proof-of-reserves.md. */
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
  reserves: { asset: string; chain: string; address: string; units: string }[];
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

function nodeHash(left: Omit<Step, 'side'>, right: Omit<Step, 'side'>): Promise<string> {
  return sha256(['rialto-node/1', left.hash, canonical(left.sums), right.hash, canonical(right.sums)].join('\n'));
}

/** That the leaf stands in the tree with this root. Raises BadProof. */
export async function verifyLeaf(proof: LeafProof, bundle: Bundle): Promise<void> {
  if (proof.format !== 'rialto-leaf/1' || bundle.format !== 'rialto-reserves/1') throw new BadProof('the format is unknown');
  if (proof.bundle !== bundle.bundle) throw new BadProof('leaf and bundle are of different days');
  if (!HEX_32.test(proof.nonce)) throw new BadProof('the nonce is not 32 bytes in hex');
  if (!Array.isArray(proof.path) || proof.path.length > STEPS_MAX) throw new BadProof('the path is too long');
  let here = { hash: await leafHash(proof), sums: proof.sums };
  for (const step of proof.path) {
    if (!HEX_32.test(step.hash)) throw new BadProof('a hash is not 32 bytes in hex');
    const hash = await (step.side === 'left' ? nodeHash(step, here) : nodeHash(here, step));
    here = { hash, sums: added(here.sums, step.sums) };
  }
  if (here.hash !== bundle.root.hash) throw new BadProof('the path does not lead to the published root');
  if (canonical(here.sums) !== canonical(bundle.root.sums)) throw new BadProof('the sums are not those of the root');
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
