import { tracingChannel } from 'node:diagnostics_channel';
import type { Attributes, TracedSpan } from './span.ts';
import { type Tracing, errorType } from './tracing.ts';

/** What the `redis` package says of a command, or of commands that go together, on Node's diagnostics channels. */
type Told = {
  readonly command?: string;
  readonly batchMode?: 'MULTI' | 'PIPELINE';
  readonly batchSize?: number;
  readonly database: number;
  readonly serverAddress: string;
  readonly serverPort?: number | undefined;
  error?: unknown;
};

/**
 * A span for each command of Redis, and one for each batch, inside the span of the work that sends it. Keys and values are
 * left out: people are in them. Nothing is measured of what no work waits for, such as reads of streams.
 *
 * @returns ends it
 */
export function traceRedis(tracing: Tracing): () => void {
  const spans = new WeakMap<Told, TracedSpan>();
  const begin = (told: Told, name: string, attributes: Attributes): void => {
    const span = tracing.active()?.child({
      name: `redis ${name}`,
      kind: 'client',
      attributes: {
        'db.system.name': 'redis',
        'db.namespace': String(told.database),
        'db.operation.name': name,
        'server.address': told.serverAddress,
        ...(told.serverPort !== undefined && { 'server.port': told.serverPort }),
        ...attributes,
      },
    });
    if (span !== undefined) spans.set(told, span);
  };
  const handlers = (start: (told: Told) => void) => ({
    start: (told: object) => start(told as Told),
    end: () => undefined,
    asyncStart: () => undefined,
    asyncEnd: (told: object) => spans.get(told as Told)?.end(),
    error: (told: object) => spans.get(told as Told)?.fail(errorType((told as Told).error)),
  });
  const ofCommands = handlers((told) => {
    // Those of a batch have its span.
    if (told.batchMode === undefined) begin(told, told.command ?? 'command', {});
  });
  const ofBatches = handlers((told) =>
    begin(told, told.batchMode ?? 'batch', { 'db.operation.batch.size': told.batchSize ?? 0 }),
  );
  const [commands, batches] = [tracingChannel('node-redis:command'), tracingChannel('node-redis:batch')];
  commands.subscribe(ofCommands);
  batches.subscribe(ofBatches);
  return () => {
    commands.unsubscribe(ofCommands);
    batches.unsubscribe(ofBatches);
  };
}
