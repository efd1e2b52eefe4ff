/** Decimal strings as the API speaks them, calculated in whole units. */

/** `1.25` at scale 8 is `125000000n`. Returns undefined for what is no plain decimal. */
export function parse(text: string, scale: number): bigint | undefined {
  const match = /^(\d*)(?:\.(\d*))?$/.exec(text.trim());
  if (match === null || (match[1] === '' && (match[2] ?? '') === '')) return undefined;
  const fraction = (match[2] ?? '').replace(/0+$/, '');
  if (fraction.length > scale) return undefined;
  return BigInt((match[1] === '' ? '0' : match[1]!) + fraction.padEnd(scale, '0'));
}

export function format(units: bigint, scale: number): string {
  const sign = units < 0n ? '-' : '';
  const digits = (units < 0n ? -units : units).toString().padStart(scale + 1, '0');
  if (scale === 0) return sign + digits;
  const whole = digits.slice(0, -scale);
  const fraction = digits.slice(-scale).replace(/0+$/, '');
  return sign + (fraction === '' ? whole : `${whole}.${fraction}`);
}

export function places(text: string): number {
  return text.split('.')[1]?.length ?? 0;
}

/** `units * price`, both decimals, at `scale`; what does not fit is cut off. */
export function multiply(left: string, right: string, scale: number): string {
  const a = parse(left, places(left));
  const b = parse(right, places(right));
  if (a === undefined || b === undefined) return '0';
  const have = places(left) + places(right);
  const product = a * b;
  return format(have > scale ? product / 10n ** BigInt(have - scale) : product * 10n ** BigInt(scale - have), scale);
}

/** `left / right` cut off at `scale`. */
export function divide(left: string, right: string, scale: number): string {
  const shift = places(right) + scale;
  const a = parse(left, places(left));
  const b = parse(right, places(right));
  if (a === undefined || b === undefined || b === 0n) return '0';
  return format((a * 10n ** BigInt(shift)) / (b * 10n ** BigInt(places(left))), scale);
}

export function add(left: string, right: string): string {
  const scale = Math.max(places(left), places(right));
  return format((parse(left, scale) ?? 0n) + (parse(right, scale) ?? 0n), scale);
}

export function subtract(left: string, right: string): string {
  const scale = Math.max(places(left), places(right));
  return format((parse(left, scale) ?? 0n) - (parse(right, scale) ?? 0n), scale);
}

export function compare(left: string, right: string): number {
  const scale = Math.max(places(left), places(right));
  const difference = (parse(left, scale) ?? 0n) - (parse(right, scale) ?? 0n);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/** The largest multiple of `step` that is not above `value`. */
export function floorTo(value: string, step: string): string {
  const scale = Math.max(places(value), places(step));
  const units = parse(value, scale) ?? 0n;
  const each = parse(step, scale) ?? 1n;
  return each === 0n ? value : format(units - (units % each), scale);
}

export function isZero(text: string): boolean {
  return /^[0.]*$/.test(text);
}

/** For charts and widths only: what is shown to a person or sent stays text. */
export function toFloat(text: string): number {
  return Number(text);
}

/** How far `now` is from `then`, as a ratio; undefined when there is no `then`. */
export function change(then: string | null, now: string | null): number | undefined {
  if (then === null || now === null || isZero(then)) return undefined;
  return toFloat(now) / toFloat(then) - 1;
}
