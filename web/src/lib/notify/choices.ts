/** What a person wants to be told about in this browser, and how. Kept here: it tells nobody else. */
export const NEWS = ['deposits', 'withdrawals', 'fills'] as const;
export type News = (typeof NEWS)[number];

export interface Choices extends Record<News, boolean> {
  /** Also by the system, while the page is not in front. */
  desktop: boolean;
}

export const KEY = 'rialto.notify';
const DEFAULT: Choices = { deposits: true, withdrawals: true, fills: true, desktop: false };

/** What was kept, field by field: anything else in there counts as the default. */
export function parseChoices(text: string | null): Choices {
  let kept: unknown;
  try {
    kept = JSON.parse(text ?? '');
  } catch {
    kept = undefined;
  }
  const known: Record<string, unknown> = typeof kept === 'object' && kept !== null ? { ...kept } : {};
  const choices = { ...DEFAULT };
  for (const name of [...NEWS, 'desktop'] as const) {
    if (typeof known[name] === 'boolean') choices[name] = known[name];
  }
  return choices;
}

export function readChoices(): Choices {
  return parseChoices(localStorage.getItem(KEY));
}

export function keepChoices(choices: Choices): void {
  localStorage.setItem(KEY, JSON.stringify(choices));
}
