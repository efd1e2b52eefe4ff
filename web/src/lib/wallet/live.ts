/** Deposits and withdrawals as they move: news over the socket, and a reading now and then. */
import { RialtoSocket } from 'rialto-client';

const READING_MS = 5_000;

/** Calls `onNews` at each of them, at every reconnection, and every few seconds in case one was lost. */
export function watch(channel: 'deposits' | 'withdrawals', onNews: () => void): () => void {
  const scheme = location.protocol === 'https:' ? 'wss:' : 'ws:';
  const socket = new RialtoSocket({
    url: `${scheme}//${location.host}`,
    onMessage: onNews,
    onState: (state) => state === 'open' && onNews(),
  });
  void socket.subscribe({ channel }).catch(() => undefined); // Asked for again when it is back.
  const timer = setInterval(onNews, READING_MS);
  return () => {
    clearInterval(timer);
    socket.close();
  };
}
