import { runProcess } from '../shared/process.ts';
import { openRuntime } from '../shared/runtime.ts';
import { serveSubgraph } from '../shared/serve.ts';
import { readProductConfig } from './config.ts';
import { callsNobody } from './links.ts';
import { createProductSubgraph } from './subgraph.ts';

/** The product subgraph as a process of its own, over HTTP and WebSocket; its background work is `worker.ts`. */
await runProcess(async () => {
  const { host, port } = readProductConfig(process.env);
  const runtime = await openRuntime(process.env, { name: 'product', link: callsNobody });
  const subgraph = await createProductSubgraph(runtime);
  const serving = await serveSubgraph(subgraph, { host, port, log: runtime.log, metrics: runtime.metrics });
  runtime.log.info({ host, port: serving.port }, 'product subgraph is listening');
  return {
    async stop() {
      await serving.close();
      await subgraph.close();
      await runtime.close();
    },
  };
});
