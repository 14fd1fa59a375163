import { runProcess } from '../shared/process.ts';
import { openRuntime } from '../shared/runtime.ts';
import { callsNobody } from './links.ts';
import { createUserSubgraph } from './subgraph.ts';

/** The user subgraph's background work as a process of its own. */
await runProcess(async () => {
  const runtime = await openRuntime(process.env, { name: 'user-worker', link: callsNobody });
  const subgraph = await createUserSubgraph(runtime);
  await subgraph.startWorker();
  return {
    async stop() {
      await runtime.jobs.stop();
      await subgraph.close();
      await runtime.close();
    },
  };
});
