import { type ExecutionResult, GraphQLError } from 'graphql';
import { noteSize, notedSize } from '../../subgraphs/shared/answers/answer-size.ts';
import type { Admission } from '../turns/admission.ts';
import type { AnswerAllowance } from '../turns/answer-allowance.ts';
import { type Caller, clientOf } from '../callers/caller.ts';
import type { Operation, Supergraph } from '../supergraph/supergraph.ts';

/**
 * Runs a query or mutation when the gateway has room for it; else the result is OVERLOADED, without data. `isGone` says
 * that nobody waits for the answer any more.
 */
export type RunOperation = (operation: Operation, isGone?: () => boolean) => Promise<ExecutionResult>;

/**
 * Runs what makes an answer for a caller when there is room for it and the caller's turn has come; else the result is OVERLOADED.
 * The answer to an event costs what that to an operation costs.
 */
export type Admit = (
  caller: Caller,
  work: () => Promise<ExecutionResult>,
  isGone?: () => boolean,
) => Promise<ExecutionResult>;

export const admitBy =
  (deps: { admission: Admission; allowance: AnswerAllowance }): Admit =>
  (caller, work, isGone) => {
    const applicant = { client: clientOf(caller), isGone };
    return deps.allowance.run(applicant, () => deps.admission.run(applicant, work, refused), refused);
  };

export const admittedOperations =
  (deps: { admit: Admit; supergraph: Supergraph }): RunOperation =>
  (operation, isGone) => {
    const result = deps.admit(operation.caller, () => deps.supergraph.execute(operation), isGone);
    return operation.tellsTrace === true ? result.then((given) => withTraceId(given, operation.caller)) : result;
  };

/** For clients that don't see the header `x-trace-id`, as those of a socket. */
const withTraceId = (result: ExecutionResult, { traceId }: Caller): ExecutionResult =>
  noteSize({ ...result, extensions: { ...result.extensions, traceId } }, notedSize(result));

const refused = (error: GraphQLError): ExecutionResult => ({ errors: [error] });

export const isOverload = (error: unknown): error is GraphQLError =>
  error instanceof GraphQLError && error.extensions['code'] === 'OVERLOADED';
