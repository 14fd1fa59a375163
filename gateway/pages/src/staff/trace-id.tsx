import { traceUrl } from '../environment.ts';

/** A request's trace, with the way to it where the operator has said where traces are (`TRACE_URL`). */
export const TraceId = ({ traceId }: { traceId: string }) =>
  traceUrl === '' ? (
    <code>{traceId}</code>
  ) : (
    <a href={traceUrl.replace('{traceId}', traceId)} target="_blank" rel="noopener noreferrer">
      <code>{traceId}</code>
    </a>
  );
