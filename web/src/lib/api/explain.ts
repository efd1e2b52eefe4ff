/** Refusals and faults in the reader's words. */
import type { Words } from '$lib/i18n';
import { RialtoError, Unreachable } from '.';

/** A sentence for a person; the API's own detail where it says more than our words could. */
export function explain(words: Words, fault: unknown): string {
  if (fault instanceof Unreachable) return words.t('refusal.unreachable');
  if (!(fault instanceof RialtoError)) return words.t('refusal.unknown');
  const known = `refusal.${fault.code}`;
  const fields = fault.problem as unknown as Record<string, string>;
  const said = words.has(known) ? words.t(known, fields) : fault.problem.title;
  const detail = fault.problem.detail;
  return DETAILED.has(fault.code) && detail !== '' && detail !== said ? `${said} (${detail})` : said;
}

/** Codes whose detail names the rule, the field or the amount. */
const DETAILED = new Set([
  'invalid_input', 'invalid_amount', 'invalid_address', 'market_rule_broken', 'insufficient_available',
  'limit_exceeded', 'tier_too_low', 'withdrawals_held', 'wrong_state', 'not_allowed', 'refused',
  'requirements_missing', 'asset_paused', 'weak_password', 'invalid_profile', 'invalid_mrz', 'conflict',
]);

export function isCode(fault: unknown, ...codes: string[]): boolean {
  return fault instanceof RialtoError && codes.includes(fault.code);
}
