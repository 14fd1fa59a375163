import { runProcess } from '../shared/process.ts';
import { openRuntime } from '../shared/runtime.ts';
import { callsNobody } from './links.ts';
import { createProductSubgraph } from './subgraph.ts';

/** The product subgraph's background work as a process of its own: events of orders, and jobs. */
await runProcess(async () => {
  const runtime = await openRuntime(process.env, { name: 'product-worker', link: callsNobody });
  const subgraph = await createProductSubgraph(runtime);
  await subgraph.startWorker();
  return {
    async stop() {
      await runtime.jobs.stop();
      await subgraph.close();
      await runtime.close();
    },
  };
});
