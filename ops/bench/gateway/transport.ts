import { Pool } from 'undici';

/** Sends a body to a subgraph and gives the answer's text. */
export type Post = (body: string, headers?: Readonly<Record<string, string>>) => Promise<string>;

const connections = 32;
const fixedHeaders = { 'content-type': 'application/json', accept: 'application/json' };

/** HTTP with as little between the socket and the caller as undici allows: no streams, no header objects. */
export function openPost(origin: string, alsoExpected: readonly number[] = []): { post: Post; close(): Promise<void> } {
  const pool = new Pool(origin, { connections, pipelining: 1, keepAliveTimeout: 30_000 });
  return {
    post: (body, given) =>
      new Promise((resolve, reject) => {
        let statusCode = 0;
        let first: Buffer | undefined;
        let others: Buffer[] | undefined;
        const headers = given ? { ...fixedHeaders, ...given } : fixedHeaders;
        pool.dispatch(
          { method: 'POST', path: '/graphql', headers, body },
          {
            onRequestStart: () => undefined,
            onResponseStart(_, status) {
              statusCode = status;
            },
            onResponseData(_, chunk) {
              if (!first) first = chunk;
              else (others ??= [first]).push(chunk);
            },
            onResponseEnd() {
              const text = (others ? Buffer.concat(others) : first)?.toString() ?? '';
              if (statusCode === 200 || alsoExpected.includes(statusCode)) resolve(text);
              else reject(new Error(`HTTP ${statusCode}: ${text.slice(0, 200)}`));
            },
            onResponseError: (_, error) => reject(error),
          },
        );
      }),
    close: () => pool.close(),
  };
}
