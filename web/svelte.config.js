import adapter from '@sveltejs/adapter-node';
import { vitePreprocess } from '@sveltejs/vite-plugin-svelte';

/** @type {import('@sveltejs/kit').Config} */
export default {
  preprocess: vitePreprocess(),
  kit: {
    adapter: adapter({ precompress: true }),
    alias: { 'rialto-client': '../clients/typescript/src/index.ts' },
    csp: {
      mode: 'nonce',
      directives: {
        'default-src': ['none'],
        'base-uri': ['none'],
        'connect-src': ['self'],
        'font-src': ['self'],
        'form-action': ['self'],
        'frame-ancestors': ['none'],
        'img-src': ['self', 'data:', 'blob:'],
        'manifest-src': ['self'],
        'media-src': ['self', 'blob:'],
        'object-src': ['none'],
        'script-src': ['self'],
        'style-src': ['self'],
        // The one style attribute of SvelteKit's own announcer for screen readers, by its hash.
        'style-src-attr': ['unsafe-hashes', 'sha256-S8qMpvofolR8Mpjy4kQvEm7m1q8clzU4dfDH0AmvZjo='],
      },
    },
    // The session cookie is checked by our own server, which also stands in front of the API.
    csrf: { trustedOrigins: [] },
    version: { pollInterval: 0 },
  },
};
