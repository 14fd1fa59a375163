import { runSubgraphWorker } from '../shared/subgraph-process.ts';
import { createPaymentSubgraph } from './subgraph.ts';

await runSubgraphWorker('payment', createPaymentSubgraph);
