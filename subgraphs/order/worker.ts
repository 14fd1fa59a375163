import { runSubgraphWorker } from '../shared/engine/subgraph-process.ts';
import { createOrderSubgraph } from './subgraph.ts';

await runSubgraphWorker('order', createOrderSubgraph);
