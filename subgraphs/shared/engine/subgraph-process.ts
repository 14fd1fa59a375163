import { z } from 'zod';
import { integer, readEnv } from '../process/env.ts';
import { httpLinks } from '../calls/http-links.ts';
import { subgraphPorts } from '../calls/subgraph-urls.ts';
import type { SubgraphName } from '../values/subgraph-names.ts';
import { collectGarbage } from '../process/memory.ts';
import { openOperationsPort } from '../process/operations-port.ts';
import { runProcess } from '../process/run-process.ts';
import { type Runtime, openRuntime } from '../process/runtime.ts';
import { serveSubgraph } from './serve-subgraph.ts';
import type { Subgraph } from './subgraph.ts';

type Create = (runtime: Runtime) => Promise<Subgraph>;

/** Serves one subgraph as a process of its own, over HTTP and WebSocket, at `SUBGRAPH_HOST` and `<NAME>_PORT`; its background work is the worker's. */
export const runSubgraphServer = (name: SubgraphName, create: Create): Promise<void> =>
  runProcess(async () => {
    const portName = `${name.toUpperCase()}_PORT`;
    const given = readEnv(process.env, {
      SUBGRAPH_HOST: z.string().default('127.0.0.1'),
      [portName]: integer(0, 65_535).default(subgraphPorts[name]),
    });
    const links = await httpLinks(process.env, () => runtime);
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
    await collectGarbage();
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
    const links = await httpLinks(process.env, () => runtime);
    const runtime: Runtime = await openRuntime(process.env, { name: `${name}-worker`, link: links.link });
    const subgraph = await create(runtime);
    await subgraph.startWorker();
    const { env, metrics, log } = runtime;
    const operations = await openOperationsPort({ env, ownPort: 0, ready: () => subgraph.ready(), metrics, log });
    await collectGarbage();
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
