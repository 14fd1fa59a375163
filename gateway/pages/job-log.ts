import { CallError } from '../../subgraphs/shared/calls/link.ts';
import type { Caller } from '../callers/caller.ts';
import type { ServedGraph } from '../supergraph/served-graph.ts';

/** What can be done on the page of jobs, by the last part of its path. */
export const jobActs = ['requeue', 'retry', 'delete', 'create', 'pause', 'resume'] as const;
export type JobAct = (typeof jobActs)[number];
/** A job; without an id for one that is still to be made. */
export type JobReference = { readonly id: string | null; readonly name: string };

/** Writes into the audit log what somebody is about to do. Throws CallError where that can't be done: then nothing is to be done. */
export type RecordJobActs = (caller: Caller, act: JobAct, jobs: readonly JobReference[]) => Promise<void>;

const query = `mutation RecordJobActs($action: String!, $jobs: [JobReference!]!) {
  recordJobActs(action: $action, jobs: $jobs)
}`;
const actions = {
  requeue: 'job.requeued', retry: 'job.retried', delete: 'job.deleted', create: 'job.created', pause: 'job.paused', resume: 'job.resumed',
} as const satisfies Record<JobAct, string>; // prettier-ignore

/** Asks the user service, in the name of who is signed in; clients have no such operation. */
export function openJobLog({ link, headersFor }: Pick<ServedGraph, 'link' | 'headersFor'>): RecordJobActs {
  return async (caller, act, jobs) => {
    const { headers } = await headersFor('user')(caller);
    const { errors } = await link('user').execute({ query, variables: { action: actions[act], jobs }, headers });
    if (errors?.length) throw new CallError('user', errors);
  };
}
