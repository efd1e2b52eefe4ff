export const LANGUAGES = { en: 'English', de: 'Deutsch' } as const;
export type Language = keyof typeof LANGUAGES;

/** What the person chose, else the first language of theirs that we speak. */
export function languageOf(chosen: string | undefined, accepted: string | null): Language {
  if (chosen !== undefined && chosen in LANGUAGES) return chosen as Language;
  for (const each of (accepted ?? '').split(',')) {
    const name = each.trim().slice(0, 2).toLowerCase();
    if (name in LANGUAGES) return name as Language;
  }
  return 'en';
}
