/** Pages leave compressed; files were compressed when they were built. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createGzip, constants, type Gzip } from 'node:zlib';

export function compressed(request: IncomingMessage, response: ServerResponse): ServerResponse {
  if (!/\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''))) return response;
  const writeHead = response.writeHead.bind(response);
  const write = response.write.bind(response);
  const end = response.end.bind(response);
  let gzip: Gzip | undefined;
  const begin = (): void => {
    const type = String(response.getHeader('content-type') ?? '');
    if (gzip !== undefined || response.headersSent || response.hasHeader('content-encoding')) return;
    if (!/^(text\/html|application\/json)/.test(type) || request.method === 'HEAD') return;
    gzip = createGzip({ level: 5, flush: constants.Z_SYNC_FLUSH });
    response.removeHeader('content-length');
    response.setHeader('content-encoding', 'gzip');
    response.setHeader('vary', 'accept-encoding');
    gzip.on('data', (chunk: Buffer) => write(chunk)).on('end', () => end()).on('drain', () => response.emit('drain'));
  };
  response.writeHead = ((status: number, headers?: Record<string, string>) => {
    for (const [name, value] of Object.entries(headers ?? {})) response.setHeader(name, value);
    response.statusCode = status;
    begin();
    return writeHead(status);
  }) as typeof response.writeHead;
  response.write = ((chunk: Buffer | string) => {
    begin();
    return gzip === undefined ? write(chunk) : gzip.write(chunk);
  }) as typeof response.write;
  response.end = ((chunk?: Buffer | string) => {
    begin();
    if (gzip === undefined) return chunk === undefined ? end() : end(chunk);
    gzip.end(chunk);
    return response;
  }) as typeof response.end;
  return response;
}
