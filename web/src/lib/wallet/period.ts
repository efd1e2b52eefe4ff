/** A period of whole days as a person means them, as the moments the API takes. */
export interface Period {
  since: string;
  until: string;
}

/** Both days included, in this browser's time zone. Undefined when they are no days or in the wrong order. */
export function periodOf(from: string, to: string): Period | undefined {
  const [first, last] = [midnight(from), midnight(to)];
  if (first === undefined || last === undefined || first > last) return undefined;
  last.setDate(last.getDate() + 1);
  return { since: first.toISOString(), until: last.toISOString() };
}

function midnight(day: string): Date | undefined {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(day);
  if (match === null) return undefined;
  const [year, month, date] = [Number(match[1]), Number(match[2]), Number(match[3])];
  const at = new Date(year, month - 1, date);
  return at.getMonth() === month - 1 && at.getDate() === date ? at : undefined;
}

/** As a date field wants it. */
export function dayOf(at: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

export function statementUrl(asset: string, period: Period): string {
  return `/v1/balances/${encodeURIComponent(asset)}/statement?${new URLSearchParams({ ...period, format: 'csv' })}`;
}
