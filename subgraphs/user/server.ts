import { runProcess } from '../shared/process.ts';
import { openRuntime } from '../shared/runtime.ts';
import { serveSubgraph } from '../shared/serve.ts';
import { readUserServerConfig } from './config.ts';
import { callsNobody } from './links.ts';
import { createUserSubgraph } from './subgraph.ts';

/** The user subgraph as a process of its own, over HTTP and WebSocket; its background work is `worker.ts`. */
await runProcess(async () => {
  const { host, port } = readUserServerConfig(process.env);
  const runtime = await openRuntime(process.env, { name: 'user', link: callsNobody });
  const subgraph = await createUserSubgraph(runtime);
  const serving = await serveSubgraph(subgraph, { host, port, log: runtime.log, metrics: runtime.metrics });
  runtime.log.info({ host, port: serving.port }, 'user subgraph is listening');
  return {
    async stop() {
      await serving.close();
      await subgraph.close();
      await runtime.close();
    },
  };
});
