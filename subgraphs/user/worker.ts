import { runSubgraphWorker } from '../shared/engine/subgraph-process.ts';
import { createUserSubgraph } from './subgraph.ts';

await runSubgraphWorker('user', createUserSubgraph);
