import { traceIdFrom } from '../shared/telemetry.ts';

/** A trace id for work that no request began. */
export const newTraceId = (): string => traceIdFrom(undefined);
