import { createServer } from 'node:http';
import { z } from 'zod';
import type { Env } from '../subgraphs/shared/process/env.ts';
import { integer, readEnv } from '../subgraphs/shared/process/env.ts';
import { openOperationsPort } from '../subgraphs/shared/process/operations-port.ts';
import { collectGarbage } from '../subgraphs/shared/process/memory.ts';
import { findAway } from '../subgraphs/shared/process/readiness.ts';
import { type Runtime, openRuntime } from '../subgraphs/shared/process/runtime.ts';
import { closeServer, listen } from '../subgraphs/shared/http/server.ts';
import { answerOperations, respond } from '../subgraphs/shared/http/operations.ts';
import { httpLinks } from '../subgraphs/shared/calls/http-links.ts';
import { openSubgraphs } from './platform-parts.ts';

/**
 * The background work of all four subgraphs (outbox relays, event consumers, jobs) as one process, beside any number of
 * subgraph servers. WORKER_PORT answers /health/live and /health/ready.
 */
export async function startWorker(env: Env): Promise<{ stop(): Promise<void> }> {
  const given = readEnv(env, {
    WORKER_PORT: integer(0, 65_535).default(4105),
    SUBGRAPH_HOST: z.string().default('127.0.0.1'),
  });
  const links = await httpLinks(env, () => runtime);
  const address = { host: given.SUBGRAPH_HOST, port: given.WORKER_PORT };
  const runtime: Runtime = await openRuntime(env, { name: 'worker', link: links.link, address });
  const subgraphs = await openSubgraphs(runtime);
  await subgraphs.startWorkers();

  const degraded = () => findAway({ 'job store': () => runtime.jobs.ready() });
  const server = createServer((request, response) => {
    answerOperations(request, response, { ready: subgraphs.ready, degraded })
      .then((answered) => answered || respond(response, 404, 'application/json', '{"code":"NOT_FOUND"}'))
      .catch((error: Error) => response.destroy(error));
  });
  runtime.closeDoor();
  await listen(server, address.port, address.host);
  const { metrics, log } = runtime;
  const { ready } = subgraphs;
  const operations = await openOperationsPort({ env, ownPort: given.WORKER_PORT, ready, degraded, metrics, log });
  await collectGarbage();
  return {
    async stop() {
      await operations.close();
      await runtime.jobs.stop();
      await subgraphs.close();
      await closeServer(server);
      await links.close();
      await runtime.close();
    },
  };
}
