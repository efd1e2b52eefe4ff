import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KycAnswer, TierAnswer } from '$lib/api';
import { applicationOf } from '$lib/account/application';

const BASIC = ['profile', 'identity_document'];
const TIERS = [
  { tier: 1, requirements: BASIC },
  { tier: 2, requirements: [...BASIC, 'selfie'] },
  { tier: 3, requirements: [...BASIC, 'selfie', 'proof_of_address'] },
] as TierAnswer[];

function kyc(fields: Partial<KycAnswer>): KycAnswer {
  return { state: 'not_started', tier: 0, requested_tier: null, next_tier: 1, requirements: [], ...fields } as KycAnswer;
}
const of = (fields: Partial<KycAnswer>): unknown => applicationOf(kyc(fields), TIERS);

test('a new customer is asked for what the first tier needs', () => {
  assert.deepEqual(of({ requirements: ['profile', 'identity_document'] }), { tier: 1, isRenewal: false, missing: BASIC, sent: [] });
});

test('nothing is handed in while others look, nor after the end', () => {
  for (const state of ['submitted', 'vendor_pending', 'manual_review', 'rejected', 'frozen', 'closed']) assert.equal(of({ state }), undefined);
  assert.equal(of({ state: 'approved', tier: 3, next_tier: 3 }), undefined);
});

test('who is asked for more, or may try again, sends anything again and for the tier asked for', () => {
  for (const state of ['needs_info', 'rejected_retryable']) {
    assert.deepEqual(of({ state, requested_tier: 2 }), { tier: 2, isRenewal: false, missing: [], sent: [...BASIC, 'selfie'] });
  }
});

test('a tier that ends is renewed as it is, the highest too', () => {
  const renewed = { isRenewal: true, missing: [], sent: BASIC };
  assert.deepEqual(of({ state: 'expiring', tier: 1, requested_tier: 1, next_tier: 2, requirements: ['selfie'] }), { tier: 1, ...renewed });
  assert.deepEqual(of({ state: 'expired', tier: 0, requested_tier: 1, next_tier: 1 }), { tier: 1, ...renewed });
  assert.equal((of({ state: 'expiring', tier: 3, requested_tier: 3, next_tier: 3 }) as { tier: number }).tier, 3);
});
