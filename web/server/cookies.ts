/** The session cookie: the only place where a browser keeps the token, and no script can read it. */
import type { IncomingMessage } from 'node:http';

const LIFETIME_SECONDS = 12 * 3600; // As long as the API lets a session live at most.
const TOKEN = /^[A-Za-z0-9._~-]{16,512}$/;

export function cookieName(isSecure: boolean): string {
  return isSecure ? '__Host-rialto_session' : 'rialto_session';
}

export function tokenOf(request: IncomingMessage, isSecure: boolean): string | undefined {
  const name = cookieName(isSecure);
  for (const pair of (request.headers.cookie ?? '').split(';')) {
    const [key, value] = pair.trim().split('=', 2);
    if (key === name && value !== undefined && TOKEN.test(value)) return value;
  }
  return undefined;
}

export function sessionCookie(token: string, isSecure: boolean): string {
  return attributes(`${cookieName(isSecure)}=${token}`, LIFETIME_SECONDS, isSecure);
}

export function endedCookie(isSecure: boolean): string {
  return attributes(`${cookieName(isSecure)}=`, 0, isSecure);
}

function attributes(pair: string, seconds: number, isSecure: boolean): string {
  const secure = isSecure ? '; Secure' : '';
  return `${pair}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${seconds}${secure}`;
}
