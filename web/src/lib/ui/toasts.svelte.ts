/** Short messages about what just happened; read out by screen readers. */
export interface Toast {
  id: number;
  kind: 'good' | 'bad' | 'plain';
  text: string;
}

const SHOWN_MS = 6_000;
let nextId = 1;
export const toasts = $state<Toast[]>([]);

export function say(text: string, kind: Toast['kind'] = 'plain'): void {
  const id = nextId++;
  toasts.push({ id, kind, text });
  setTimeout(() => dismiss(id), SHOWN_MS);
}

export function dismiss(id: number): void {
  const place = toasts.findIndex((each) => each.id === id);
  if (place >= 0) toasts.splice(place, 1);
}
