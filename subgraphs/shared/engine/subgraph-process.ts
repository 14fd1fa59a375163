import { z } from 'zod';
import { type Env, integer, readEnv, url } from '../process/env.ts';
import type { CallReport } from '../calls/circuit.ts';
import { httpLink } from '../calls/http-link.ts';
import { type SubgraphLink, type SubgraphName, subgraphNames } from '../calls/link.ts';
import { openOperationsPort } from '../process/operations-port.ts';
import { runProcess } from '../process/run-process.ts';
import { type Runtime, openRuntime, readAnswerLimits } from '../process/runtime.ts';
import { serveSubgraph } from './serve-subgraph.ts';
import type { Subgraph } from './subgraph.ts';

type Create = (runtime: Runtime) => Promise<Subgraph>;

const defaultPorts: Readonly<Record<SubgraphName, number>> = { user: 4101, product: 4102, order: 4103, payment: 4104 };

/**
 * Links over HTTP to the subgraphs at `<NAME>_URL`, by default at their ports on this host. Made when first used; `report`
 * is asked when a link has something to tell.
 */
export function httpLinks(
  env: Env,
  report: () => CallReport | undefined,
): { link: (name: SubgraphName) => SubgraphLink; close(): Promise<void> } {
  const shape = Object.fromEntries(
    subgraphNames.map((name) => [
      `${name.toUpperCase()}_URL`,
      url('http', 'https').default(`http://127.0.0.1:${defaultPorts[name]}`),
    ]),
  );
  const urls = readEnv(env, shape);
  const maxAnswerBytes = readAnswerLimits(env).maxBytes;
  const links = new Map<SubgraphName, SubgraphLink>();
  return {
    link(name) {
      const url = String(urls[`${name.toUpperCase()}_URL`]).replace(/\/$/, '');
      const known = links.get(name) ?? httpLink(name, url, report, { maxAnswerBytes });
      links.set(name, known);
      return known;
    },
    async close() {
      await Promise.all([...links.values()].map((link) => link.close()));
    },
  };
}

/** Serves one subgraph as a process of its own, over HTTP and WebSocket, at `SUBGRAPH_HOST` and `<NAME>_PORT`; its background work is the worker's. */
export const runSubgraphServer = (name: SubgraphName, create: Create): Promise<void> =>
  runProcess(async () => {
    const portName = `${name.toUpperCase()}_PORT`;
    const given = readEnv(process.env, {
      SUBGRAPH_HOST: z.string().default('127.0.0.1'),
      [portName]: integer(0, 65_535).default(defaultPorts[name]),
    });
    const links = httpLinks(process.env, () => runtime);
    const address = { host: String(given['SUBGRAPH_HOST']), port: Number(given[portName]) };
    const runtime: Runtime = await openRuntime(process.env, { name, link: links.link, address });
    const subgraph = await create(runtime);
    runtime.closeDoor();
    const serving = await serveSubgraph(subgraph, {
      ...address,
      log: runtime.log,
      turns: runtime.answering.turns,
    });
    const { env, metrics, log } = runtime;
    const operations = await openOperationsPort({
      env,
      ownPort: address.port,
      ready: () => subgraph.ready(),
      metrics,
      log,
    });
    runtime.log.info({ port: serving.port }, `${name} subgraph is listening`);
    return {
      async stop() {
        await serving.close();
        await operations.close();
        await runtime.jobs.stop();
        await subgraph.close();
        await links.close();
        await runtime.close();
      },
    };
  });

/** Runs one subgraph's background work as a process of its own. */
export const runSubgraphWorker = (name: SubgraphName, create: Create): Promise<void> =>
  runProcess(async () => {
    const links = httpLinks(process.env, () => runtime);
    const runtime: Runtime = await openRuntime(process.env, { name: `${name}-worker`, link: links.link });
    const subgraph = await create(runtime);
    await subgraph.startWorker();
    const { env, metrics, log } = runtime;
    const operations = await openOperationsPort({ env, ownPort: 0, ready: () => subgraph.ready(), metrics, log });
    return {
      async stop() {
        await operations.close();
        await runtime.jobs.stop();
        await subgraph.close();
        await links.close();
        await runtime.close();
      },
    };
  });
