/** What the process reads from its environment, in one place. */
export interface Settings {
  host: string;
  port: number;
  /** Where the API listens, such as `http://127.0.0.1:8080`. */
  apiUrl: URL;
  /** Whether browsers reach us by https: then the cookie is for https only. */
  isSecure: boolean;
}

export function settingsOf(variables: NodeJS.ProcessEnv): Settings {
  return {
    host: variables['RIALTO_WEB_HOST'] ?? '127.0.0.1',
    port: Number(variables['RIALTO_WEB_PORT'] ?? '8000'),
    apiUrl: new URL(variables['RIALTO_API_URL'] ?? 'http://127.0.0.1:8080'),
    isSecure: (variables['ORIGIN'] ?? '').startsWith('https:'),
  };
}
