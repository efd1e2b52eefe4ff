/** What is wrong with a new password at first sight; the exchange knows the well-known ones. */
export const PASSWORD_LENGTH_MIN = 10;

export function fault(current: string, next: string, again: string): 'short' | 'same' | 'differs' | undefined {
  if ([...next].length < PASSWORD_LENGTH_MIN) return 'short';
  if (next === current) return 'same';
  return next === again ? undefined : 'differs';
}
