/** Words, numbers and times in the language of the page. Components call `useWords()`. */
import { getContext, setContext } from 'svelte';
import type { Language } from './languages';
import type en from './en';

export type Key = keyof typeof en;
export type Dictionary = Record<Key, string>;
export type Fields = Record<string, string | number>;

export class Words {
  private readonly numbers = new Map<string, Intl.NumberFormat>();

  constructor(
    readonly language: Language,
    private readonly dictionary: Dictionary,
  ) {}

  /** The text of a key; `{name}` in it is replaced by that field. */
  t = (key: Key, fields: Fields = {}): string =>
    this.dictionary[key].replace(/\{(\w+)\}/g, (_, name: string) => String(fields[name] ?? ''));

  /** For keys made of a prefix and a code of the API: the code itself when we have no word. */
  word = (prefix: string, code: string): string => {
    const key = `${prefix}.${code}`;
    return key in this.dictionary ? this.t(key as Key) : code.replaceAll('_', ' ');
  };

  has = (key: string): key is Key => key in this.dictionary;

  /** A decimal string as this language writes it; never by way of a float. */
  number = (decimal: string, places?: number): string => {
    const digits = decimal.split('.')[1]?.length ?? 0;
    const shown = places ?? digits;
    return this.formatter(shown).format(decimal as Intl.StringNumericLiteral);
  };

  percent = (ratio: number): string =>
    new Intl.NumberFormat(this.language, {
      style: 'percent', minimumFractionDigits: 2, maximumFractionDigits: 2, signDisplay: 'exceptZero',
    }).format(ratio);

  time = (text: string): string =>
    new Intl.DateTimeFormat(this.language, { timeStyle: 'medium', hourCycle: 'h23' }).format(new Date(text));

  dateTime = (text: string): string =>
    new Intl.DateTimeFormat(this.language, { dateStyle: 'medium', timeStyle: 'short', hourCycle: 'h23' }).format(new Date(text));

  date = (text: string): string =>
    new Intl.DateTimeFormat(this.language, { dateStyle: 'medium' }).format(new Date(text));

  private formatter(places: number): Intl.NumberFormat {
    const name = String(places);
    let known = this.numbers.get(name);
    if (known === undefined) {
      const range = { minimumFractionDigits: places, maximumFractionDigits: places };
      known = new Intl.NumberFormat(this.language, { ...range, roundingMode: 'trunc' } as Intl.NumberFormatOptions);
      this.numbers.set(name, known);
    }
    return known;
  }
}

const CONTEXT = Symbol('words');

export function provideWords(words: Words): Words {
  return setContext(CONTEXT, words);
}

export function useWords(): Words {
  return getContext<Words>(CONTEXT);
}
