import type { Viewer } from '../../subgraphs/shared/auth/viewer.ts';

/** A viewer in a request, as commands that are called without GraphQL want one. */
export const asker = (viewer: Viewer): { viewer: Viewer; traceId: string } => ({ viewer, traceId: 'f'.repeat(32) });
