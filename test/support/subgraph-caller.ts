import type { UserViewer } from '../../subgraphs/shared/auth/viewer.ts';
import { callerHeaders } from '../../subgraphs/shared/auth/caller-headers.ts';
import { identitySigner } from '../../subgraphs/shared/auth/identity.ts';
import { newId } from '../../subgraphs/shared/values/ids.ts';
import type { SubgraphName } from '../../subgraphs/shared/values/subgraph-names.ts';
import { traceparentOf } from '../../subgraphs/shared/process/telemetry.ts';
import type { Answer } from './platform.ts';

// The development values of the kernel: what a test platform runs with.
const identitySecret = 'development-identity-secret-not-for-production';

/** Who asks a subgraph directly: somebody from the network, the gateway for a user or for nobody, one of our services. */
export type DirectCaller =
  | { kind: 'outsider' }
  | { kind: 'gateway'; viewer?: Pick<UserViewer, 'userId' | 'roles'> }
  | { kind: 'service'; app: SubgraphName };

/** Headers by which a caller shows itself to a subgraph. */
export async function headersOf(caller: DirectCaller): Promise<Record<string, string>> {
  if (caller.kind === 'outsider') return {};
  const app = caller.kind === 'gateway' ? 'gateway' : caller.app;
  const headers = {
    [callerHeaders.app]: app,
    [callerHeaders.token]: `development-${app}`,
    [callerHeaders.trace]: traceparentOf(newId().replaceAll('-', '')),
  };
  if (caller.kind !== 'gateway' || !caller.viewer) return headers;
  return {
    ...headers,
    [callerHeaders.identity]: await identitySigner(identitySecret)({
      kind: 'user',
      sessionId: newId(),
      ...caller.viewer,
    }),
  };
}

/** Asks a subgraph's own port, past the gateway. */
export async function askSubgraph<Data>(
  url: string,
  caller: DirectCaller,
  query: string,
  variables: Record<string, unknown>,
): Promise<Answer<Data>> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json', ...(await headersOf(caller)) },
    body: JSON.stringify({ query, variables }),
  });
  return { status: response.status, ...((await response.json()) as object) } as Answer<Data>;
}
