import type { Dictionary } from '$lib/i18n';
import type { LayoutLoad } from './$types';

const DICTIONARIES = {
  en: () => import('$lib/i18n/en'),
  de: () => import('$lib/i18n/de'),
};

export const load: LayoutLoad = async ({ data }) => {
  const dictionary: Dictionary = (await DICTIONARIES[data.language]()).default;
  return { ...data, dictionary };
};
