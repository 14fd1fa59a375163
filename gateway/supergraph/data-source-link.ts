import type { GraphQLDataSource, GraphQLDataSourceProcessOptions } from '@apollo/gateway';
import type { ExecutionResult } from 'graphql';
import { type Headers as CallerHeaders, callerHeaders } from '../../subgraphs/shared/auth/caller-headers.ts';
import { deadlineIn, defaultTimeoutMs, openExpiry, timeoutHeader } from '../../subgraphs/shared/time/deadline.ts';
import { deadlineExceeded, unavailable } from '../../subgraphs/shared/errors/errors.ts';
import type { SubgraphLink, SubgraphRequest } from '../../subgraphs/shared/calls/link.ts';
import type { Logger } from '../../subgraphs/shared/process/telemetry.ts';

/**
 * `link` with its queries and mutations sent by a data source of @apollo/gateway, e.g. a `RemoteGraphQLDataSource` whose
 * `willSendRequest` signs them. Subscriptions, webhooks and health stay with `link`.
 *
 * The data source finds who calls in `request.http.headers` and has to send these on; its `context` is those headers,
 * and there is no `incomingRequestContext` but `request` and `context`. What it throws is logged and shown as
 * SERVICE_UNAVAILABLE; an answer after the deadline as DEADLINE_EXCEEDED. Pool, retry and circuit breaker are the data
 * source's own affair.
 */
export function dataSourceLink(link: SubgraphLink, dataSource: GraphQLDataSource, log: Logger): SubgraphLink {
  const expiry = openExpiry();
  const { name } = link;
  async function process(call: SubgraphRequest): Promise<ExecutionResult> {
    try {
      const { data, errors, extensions } = await dataSource.process(processOptions(call));
      return { data, errors, extensions } as ExecutionResult;
    } catch (error) {
      log.warn({ err: error, service: name }, 'a data source failed');
      throw unavailable(`The ${name} service can't be reached.`);
    }
  }
  return {
    ...link,
    execute(request) {
      const deadline = request.deadline ?? deadlineIn(defaultTimeoutMs);
      const headers = { ...request.headers, [callerHeaders.timeout]: timeoutHeader(deadline) };
      const late = (): never => {
        throw deadlineExceeded(`The ${name} service did not answer in time.`);
      };
      const { query, variables, operationName } = request;
      return expiry.within(deadline, process({ query, variables, operationName, headers }), late);
    },
  };
}

function processOptions(call: SubgraphRequest): GraphQLDataSourceProcessOptions {
  const { query, variables = {}, operationName } = call;
  const headers = fetchHeaders(call.headers);
  const context = { headers };
  const request = {
    query,
    variables: { ...variables },
    ...(operationName !== undefined && { operationName }),
    http: { method: 'POST', url: '', headers },
  };
  const incomingRequestContext = { request, context };
  // The kinds are a const enum of declarations only, and the rest of a request's context is Apollo Server's.
  return { kind: 'incoming operation', request, context, incomingRequestContext } as unknown as GraphQLDataSourceProcessOptions; // prettier-ignore
}

function fetchHeaders(given: CallerHeaders): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(given))
    for (const one of Array.isArray(value) ? value : [value]) if (one !== undefined) headers.append(name, one);
  return headers;
}
