import type { Env } from '../shared/env.ts';
import { httpLink } from '../shared/link.ts';
import { runProcess } from '../shared/process.ts';
import { openRuntime } from '../shared/runtime.ts';
import { readServerConfig } from './config.ts';
import { createPaymentSubgraph } from './subgraph.ts';

/** The payment service's background work as a process of its own: events, refunds, questions to providers. */
export async function startPaymentWorker(env: Env): Promise<{ stop(): Promise<void> }> {
  const order = httpLink('order', readServerConfig(env).orderUrl);
  const runtime = await openRuntime(env, { name: 'payment-worker', link: () => order });
  const subgraph = await createPaymentSubgraph(runtime);
  await subgraph.startWorker();
  return {
    async stop() {
      await runtime.jobs.stop();
      await subgraph.close();
      await order.close();
      await runtime.close();
    },
  };
}

if (import.meta.main) await runProcess(() => startPaymentWorker(process.env));
