import type { AddressInfo } from 'node:net';
import type { Env } from './env.ts';
import { readOperationsConfig } from './operations-config.ts';
import { closeServer, inTurn, limitedServer, listen } from '../http/server.ts';
import { answerOperations, respond } from '../http/operations.ts';
import { metricsTexts, wantsOpenMetrics } from './metrics-text.ts';
import type { Logger, Metrics } from './telemetry.ts';

/** The port of a process for those who run it. */
export type OperationsPort = { readonly port: number; close(): Promise<void> };

const keepAliveTimeoutMs = 60_000;

/**
 * Serves `/metrics` (OpenMetrics with exemplars where that is asked for) and `/health/…` to operators, at METRICS_PORT on
 * METRICS_HOST: by default at the process's own port + 5000, on this machine only. Where another process has that port
 * and the setting is absent, a free one is taken; the log says which.
 */
export async function openOperationsPort(options: {
  readonly env: Env;
  readonly ownPort: number;
  readonly ready: () => Promise<void>;
  readonly degraded?: () => Promise<readonly string[]>;
  readonly metrics: Metrics;
  readonly log: Logger;
}): Promise<OperationsPort> {
  const { log } = options;
  const { port, host, isGiven } = readOperationsConfig(options.env, options.ownPort);
  const gather = metricsTexts(options.metrics.registry);
  const server = limitedServer(keepAliveTimeoutMs).on(
    'request',
    inTurn((request, response) => {
      void (async () => {
        if (await answerOperations(request, response, options)) return;
        if (request.url?.split('?')[0] === '/metrics') {
          const { contentType, text } = await gather(wantsOpenMetrics(request.headers.accept));
          respond(response, 200, contentType, text);
        } else respond(response, 404, 'application/json', '{"code":"NOT_FOUND"}');
      })().catch((error: Error) => {
        log.error({ err: error, path: request.url }, 'request failed');
        response.destroy();
      });
    }),
  );
  try {
    await listen(server, port, host);
  } catch (error) {
    if (isGiven || (error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    await listen(server, 0, host);
  }
  const taken = (server.address() as AddressInfo).port;
  log.info({ port: taken, host }, 'metrics are served');
  return { port: taken, close: () => closeServer(server) };
}
