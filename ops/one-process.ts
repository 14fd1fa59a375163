import { startGateway } from '../gateway/server.ts';
import { startSimulatedProvider } from '../subgraphs/payment/simulated-provider/server.ts';
import type { Env } from '../subgraphs/shared/process/env.ts';
import { openPlatform } from './platform-parts.ts';
import { seed } from './seed.ts';

/** A platform that runs, in whichever shape. */
export type RunningPlatform = {
  /** Resolves when an order can be placed. */
  ready(): Promise<void>;
  /** The gateway ends its requests first, then the background work hands back its jobs, then the databases go. */
  stop(): Promise<void>;
};

const readyPollMs = 20;

/**
 * Starts everything in this process: subgraphs called in-process, their background work, the gateway on PORT, and the
 * simulated provider on a free port unless one is given, or none where SIMULATED_PROVIDER_URL names one that runs elsewhere.
 */
export async function startInOneProcess(given: Env): Promise<RunningPlatform> {
  const provider = given['SIMULATED_PROVIDER_URL']
    ? undefined
    : await startSimulatedProvider({
        ...given,
        SIMULATED_PROVIDER_PORT: given['SIMULATED_PROVIDER_PORT'] ?? '0',
      });
  const env: Env = { ...given, ...(provider && { SIMULATED_PROVIDER_URL: provider.url }) };
  const { runtime, subgraphs } = await openPlatform(env, 'platform');
  await seed(runtime, subgraphs);
  await subgraphs.startWorkers();
  const gateway = await startGateway(runtime, { link: subgraphs.link });
  return {
    async ready() {
      for (;;) {
        try {
          await subgraphs.ready();
          await gateway.ready();
          return;
        } catch (error) {
          runtime.log.debug({ err: (error as Error).message }, 'not ready yet');
          await new Promise((resolve) => setTimeout(resolve, readyPollMs));
        }
      }
    },
    async stop() {
      await gateway.close();
      await runtime.jobs.stop();
      await subgraphs.close();
      await provider?.close();
      await runtime.close();
    },
  };
}
