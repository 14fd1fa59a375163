import { createServer } from 'node:http';
import { type Dependency, usualStartTimeoutMs } from './dependency.ts';
import { listen } from '../http/server.ts';
import { NotReady } from './readiness.ts';
import { answerOperations, respond } from '../http/operations.ts';

/** Where a process will serve. */
export type Address = { readonly port: number; readonly host: string };

const notYet = JSON.stringify({
  errors: [{ message: 'This service is starting; try again.', extensions: { code: 'SERVICE_UNAVAILABLE' } }],
});

/**
 * Answers at a process's own address until it can serve: it lives, it is not ready, and for want of whom. All else is 503.
 * To be closed right before the process listens there itself. There is none where a start ends soon in any case, nor for
 * port 0: nobody knows yet which that will be.
 */
export async function openStartDoor(options: {
  address: Address;
  startWaitMs: number;
  dependencies: readonly Dependency[];
}): Promise<{ close(): void }> {
  const { address, startWaitMs, dependencies } = options;
  const { port, host } = address;
  if (port === 0 || startWaitMs <= usualStartTimeoutMs) return { close: () => undefined };
  const away = () => dependencies.filter((one) => one.reason() !== null).map(({ name }) => `${name}: does not answer`);
  const ready = async (): Promise<void> => {
    throw new NotReady([...new Set(away())].join('; ') || 'it is starting');
  };
  const server = createServer((request, response) => {
    response.shouldKeepAlive = false;
    response.setHeader('retry-after', '1');
    request.resume();
    answerOperations(request, response, { ready })
      .then((answered) => answered || respond(response, 503, 'application/json', notYet))
      .catch((error: Error) => response.destroy(error));
  });
  await listen(server, port, host);
  return {
    /** Its port is free at once; what it is just answering goes on. */
    close: () => void server.close(),
  };
}
