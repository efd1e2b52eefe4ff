/** How fast a chain goes at the moment: what is left of a wait, by its last blocks. */
import type { BlockView, DepositAnswer } from '$lib/api';

export const PACE_BLOCKS = 12;
const MINUTE_MS = 60_000;

/** Mean milliseconds between blocks; undefined with fewer than two. */
export function blockMs(blocks: BlockView[]): number | undefined {
  const times = blocks.filter((block) => block.is_canonical).map((block) => Date.parse(block.time));
  if (times.length < 2) return undefined;
  return (Math.max(...times) - Math.min(...times)) / (times.length - 1);
}

/** Whole minutes until so many more blocks, rounded up: better early than late. */
export function minutesFor(blocks: number, pace: number | undefined): number | undefined {
  if (pace === undefined) return undefined;
  return Math.ceil((Math.max(0, blocks) * pace) / MINUTE_MS);
}

/** What a deposit still waits for: confirmations until the next step of its way. */
export function blocksLeft(deposit: DepositAnswer): number | undefined {
  switch (deposit.status) {
    case 'detected':
    case 'confirming':
      return Math.max(1, deposit.credit_confirmations - deposit.confirmations);
    case 'credited':
      return Math.max(1, deposit.withdrawable_confirmations - deposit.confirmations);
    default:
      return undefined;
  }
}
