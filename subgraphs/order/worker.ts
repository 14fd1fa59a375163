import { runSubgraphWorker } from '../shared/subgraph-process.ts';
import { createOrderSubgraph } from './subgraph.ts';

await runSubgraphWorker('order', createOrderSubgraph);
