/** What a customer may hand in, by the state of the verification. */
import type { KycAnswer, Requirement, TierAnswer } from '$lib/api';

const WAITING = new Set(['submitted', 'vendor_pending', 'manual_review']);
const OVER = new Set(['rejected', 'frozen', 'closed']);
/** Handed in once; the same is asked for again, and may be sent anew. */
const AGAIN = new Set(['needs_info', 'rejected_retryable', 'expiring', 'expired']);

export interface Application {
  tier: number;
  isRenewal: boolean;
  /** Without these it cannot be handed in. */
  missing: Requirement[];
  /** There already; each can be sent again. */
  sent: Requirement[];
}

export function isWaiting(state: string): boolean {
  return WAITING.has(state);
}

export function isOver(state: string): boolean {
  return OVER.has(state);
}

/** None while others look at the last one, after the end, and when there is no higher tier. */
export function applicationOf(kyc: KycAnswer, tiers: TierAnswer[]): Application | undefined {
  if (isWaiting(kyc.state) || isOver(kyc.state)) return undefined;
  const isAgain = AGAIN.has(kyc.state);
  if (!isAgain && kyc.next_tier <= kyc.tier) return undefined;
  const isRenewal = kyc.state === 'expiring' || kyc.state === 'expired';
  const again = kyc.state === 'expiring' ? kyc.tier : (kyc.requested_tier ?? kyc.next_tier);
  const tier = isAgain ? again : kyc.next_tier;
  const needs = tiers.find((each) => each.tier === tier)?.requirements ?? kyc.requirements;
  // `requirements` are those of the next tier; a lower one needs some of them, a higher one was complete once.
  const missing = needs.filter((need) => kyc.requirements.includes(need));
  return { tier, isRenewal, missing, sent: isAgain ? needs.filter((need) => !missing.includes(need)) : [] };
}
