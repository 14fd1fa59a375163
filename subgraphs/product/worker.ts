import { runSubgraphWorker } from '../shared/engine/subgraph-process.ts';
import { createProductSubgraph } from './subgraph.ts';

await runSubgraphWorker('product', createProductSubgraph);
