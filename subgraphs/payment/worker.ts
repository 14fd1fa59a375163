import { runSubgraphWorker } from '../shared/engine/subgraph-process.ts';
import { createPaymentSubgraph } from './subgraph.ts';

await runSubgraphWorker('payment', createPaymentSubgraph);
