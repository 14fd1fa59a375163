import { httpLink } from '../shared/link.ts';
import type { Env } from '../shared/env.ts';
import { runProcess } from '../shared/process.ts';
import { openRuntime } from '../shared/runtime.ts';
import { serveSubgraph } from '../shared/serve.ts';
import { readServerConfig } from './config.ts';
import { createPaymentSubgraph } from './subgraph.ts';

/** The payment service as a process of its own, without its background work (see worker.ts). */
export async function startPaymentServer(env: Env): Promise<{ port: number; stop(): Promise<void> }> {
  const { host, port, orderUrl } = readServerConfig(env);
  const order = httpLink('order', orderUrl);
  const runtime = await openRuntime(env, { name: 'payment', link: () => order });
  const subgraph = await createPaymentSubgraph(runtime);
  const serving = await serveSubgraph(subgraph, { host, port, log: runtime.log, metrics: runtime.metrics });
  return {
    port: serving.port,
    async stop() {
      await serving.close();
      await subgraph.close();
      await order.close();
      await runtime.close();
    },
  };
}

if (import.meta.main) await runProcess(() => startPaymentServer(process.env));
