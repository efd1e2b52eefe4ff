import type { Language } from '$lib/i18n/languages';

declare global {
  namespace App {
    interface Locals {
      language: Language;
      theme: 'light' | 'dark' | 'system';
      signedIn: boolean;
    }
    interface Error {
      message: string;
      code?: string;
    }
  }
}

export {};
