import { resolve } from 'node:path';
import type { Env } from '../subgraphs/shared/process/env.ts';
import { subgraphNames } from '../subgraphs/shared/values/subgraph-names.ts';
import { freePort } from './embedded/servers.ts';
import type { RunningPlatform } from './one-process.ts';
import { type Program, type Supervised, supervise } from './supervise.ts';

const root = resolve(import.meta.dirname, '..');

/**
 * Starts every service as a process of its own that talks to the others over HTTP, on free ports of this machine; the
 * gateway on PORT. Resolves when all of them are ready.
 *
 * @param options.onGiveUp told when a service can't be kept running
 * @param options.onEnd `wait`: what ends by itself is started again by `restart` alone
 */
export async function startSplit(
  env: Env,
  options: { onGiveUp: (error: Error) => void; onEnd?: 'wait' },
): Promise<RunningPlatform & { restart(programs: ReadonlySet<string>): Promise<void> }> {
  const stages = await programs(env);
  const stopped: Supervised[][] = [];
  for (const stage of stages) {
    stopped.unshift(
      stage.map((program) =>
        supervise(program, { ...options, print: (line) => console.log(`[${program.name}] ${line}`) }),
      ),
    );
  }
  return {
    ready: async () => {
      await Promise.all(stopped.flat().map((service) => service.ready()));
    },
    restart: async (programs) => {
      const chosen = stopped.flat().filter(({ name }) => programs.has(name));
      await Promise.all(chosen.map((service) => service.restart()));
    },
    // The gateway ends its requests while all that they need still runs.
    stop: async () => {
      for (const stage of stopped) await Promise.all(stage.map((service) => service.stop()));
    },
  };
}

/** What runs, in the order of need: the last stage is stopped first. */
async function programs(env: Env): Promise<Program[][]> {
  const names = [...subgraphNames, 'worker', 'simulated_provider'] as const;
  const ports = new Map<string, number>();
  for (const name of names) {
    let port = Number(env[`${name.toUpperCase()}_PORT`]) || (await freePort());
    while ([...ports.values()].includes(port)) port = await freePort();
    ports.set(name, port);
  }
  const variables = [...ports].flatMap(([name, port]) => [
    [`${name.toUpperCase()}_PORT`, String(port)],
    [`${name.toUpperCase()}_URL`, `http://127.0.0.1:${port}`],
  ]);
  // What the environment says goes first: a test may put something between two services.
  const common: Env = {
    ...(Object.fromEntries(variables) as Record<string, string>),
    SUBGRAPH_HOST: '127.0.0.1',
    ...env,
  };
  // Each process has metrics of its own: METRICS_PORT is the gateway's, the others' are at their ports + 5000.
  const program = (name: string, file: string, port: string | number | undefined): Program => ({
    name,
    file: resolve(root, file),
    env: name === 'gateway' ? common : { ...common, METRICS_PORT: undefined },
    readyUrl: `http://127.0.0.1:${port}/health/ready`,
  });
  return [
    [program('simulated-provider', 'subgraphs/payment/simulated-provider/server.ts', ports.get('simulated_provider'))],
    subgraphNames.map((name) => program(name, `subgraphs/${name}/server.ts`, ports.get(name))),
    [program('worker', 'ops/worker.ts', ports.get('worker'))],
    [program('gateway', 'gateway/server.ts', env['PORT'] || 4000)],
  ];
}
