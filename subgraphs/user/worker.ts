import { runSubgraphWorker } from '../shared/subgraph-process.ts';
import { createUserSubgraph } from './subgraph.ts';

await runSubgraphWorker('user', createUserSubgraph);
