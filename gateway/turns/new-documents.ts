import { performance } from 'node:perf_hooks';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { GraphQLError } from 'graphql';
import { Counter } from 'prom-client';
import type { Metrics } from '../../subgraphs/shared/process/telemetry.ts';
import { type Applicant, openAdmission } from './admission.ts';
import type { Variables } from '../execute/types.ts';
import { type DocumentAllowance, openDocumentAllowance } from './document-allowance.ts';
import type { Documents } from '../documents/documents.ts';
import { eventLoopBusy } from './event-loop.ts';
import type { Supergraph } from '../supergraph/supergraph.ts';

/** What a client sent, before anything is done about it. */
type Sent = { readonly query: string; readonly operationName: string | undefined; readonly variables: Variables };

/** Operations that nobody sent lately: each must be parsed, validated, planned and compiled before it runs. */
export type Newcomers = {
  /** True when nothing of that is left to do; then there is nothing to wait for. */
  isKnown(sent: Sent): boolean;
  /**
   * Does it when its turn comes. What is wrong with the operation is not said here: whoever goes on with it finds out, at
   * no cost. Rejects with OVERLOADED when too many wait, when it waited too long, when its client is gone or has brought
   * too many.
   */
  introduce(sent: Sent, applicant: Applicant): Promise<void>;
  close(): void;
};

const limits = { maxRunning: 1, maxRunningPerClient: 1, maxQueued: 1_000, maxWaitMs: 5_000 } as const;
/** Rest after each one, as a multiple of the time that it took: the others have two thirds of this process's time. */
const restShare = 2;
const maxRestMs = 100;
/** Rests are taken in parts, and end with one in which the process had nothing better to do. */
const restPartMs = 2;
const busyFrom = 0.5;
const introducedMetric = 'gateway_newcomers_introduced_total';

/**
 * Planning takes milliseconds of this process's only thread, so newcomers come one at a time, client by client, with
 * everybody else's turns in between. Whoever sends thousands of distinct documents waits behind himself, and after some
 * hundreds for each (`document-allowance.ts`).
 */
export function openNewcomers(deps: {
  documents: Documents;
  supergraph: Pick<Supergraph, 'isPrepared' | 'prepare'>;
  metrics: Metrics;
  allowance?: DocumentAllowance;
}): Newcomers {
  const { documents, supergraph, metrics, allowance = openDocumentAllowance(limits) } = deps;
  const admission = openAdmission(limits, { metrics, what: 'newcomers' });
  const introduced = new Counter({
    name: introducedMetric,
    help: 'How many operations came before all was ready to run them',
    registers: [],
  });
  metrics.registry.registerMetric(introduced);

  const isKnown = (sent: Sent): boolean => {
    const known = documents.known(sent.query);
    return known === 'bad' || (known === 'good' && supergraph.isPrepared(sent));
  };
  /** Each step is a turn of its own, so that what arrived meanwhile is done before. Answers the time that all took. */
  async function prepare({ query, operationName, variables }: Sent): Promise<number> {
    let tookMs = 0;
    const inTurn = async <T>(step: () => T): Promise<T> => {
      await nextTurn();
      const startedMs = performance.now();
      try {
        return step();
      } finally {
        tookMs += performance.now() - startedMs;
      }
    };
    try {
      const read = await inTurn(() => documents.read(query, variables));
      const errors = await inTurn(() => read.validationErrors());
      const { document } = read;
      if (errors.length === 0) await inTurn(() => supergraph.prepare({ query, operationName, variables, document }));
    } catch (error) {
      if (!(error instanceof GraphQLError)) throw error;
    }
    return tookMs;
  }
  return {
    isKnown,
    async introduce(sent, applicant) {
      introduced.inc();
      if (!(await allowance.take(applicant))) throw admission.refuse('too many new documents');
      await new Promise<void>((resolve, reject) => {
        const prepareAndRest = async (): Promise<void> => {
          // Another may have brought the same.
          const tookMs = isKnown(sent) ? 0 : await prepare(sent);
          resolve();
          await rest(Math.min(tookMs * restShare, maxRestMs));
        };
        admission.run(applicant, prepareAndRest).catch(reject);
      });
    },
    close() {
      admission.close();
      metrics.registry.removeSingleMetric(introducedMetric);
    },
  };
}

async function rest(ms: number): Promise<void> {
  for (let leftMs = ms; leftMs > 0; leftMs -= restPartMs) {
    const isBusy = eventLoopBusy(busyFrom);
    await sleep(restPartMs);
    if (!isBusy()) return;
  }
}
