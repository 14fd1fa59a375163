import { newSpanId, traceparentWith } from './trace-ids.ts';

/** What a span is for, in OpenTelemetry's words. */
export type SpanKind = 'internal' | 'server' | 'client' | 'producer' | 'consumer';

/** Facts about a span, under OpenTelemetry's names where it has one. Never a value that a client sent, nor a secret. */
export type Attributes = Readonly<Record<string, string | number | boolean>>;

/** A span by its ids, wherever it is. */
export type SpanReference = { readonly traceId: string; readonly spanId: string };

/** A piece of work with its times. What it costs while it is not sent is this object. */
export type TracedSpan = SpanReference & {
  /** How another process is told of it: a `traceparent` header. */
  readonly traceparent: string;
  /** The trace is sent whatever becomes of it. */
  readonly isSampled: boolean;
  /** Begins a span of the same service below this one. */
  child(options: { readonly name: string; readonly kind?: SpanKind; readonly attributes?: Attributes }): TracedSpan;
  /** Its name, when that is known only later. */
  rename(name: string): void;
  set(attributes: Attributes): void;
  /** It failed by the platform's fault: the trace is kept. `type` is a code or an error's name. */
  fail(type: string): void;
  /** Once; later calls do nothing. `endMs` by `performance.now()`, default now. */
  end(endMs?: number): void;
};

/** The first span of a trace in this process, and what is known of those below it. */
export type LocalRoot = {
  readonly isSampled: boolean;
  hasFailed: boolean;
  /** Undefined until it has ended: whether the trace is sent. */
  isKept: boolean | undefined;
  /** Ended spans of a trace that is sent only if it fails. */
  readonly held: EndedSpan[];
};

/** What is sent of a span. Times by `performance.now()`. */
export type EndedSpan = SpanReference & {
  readonly service: string;
  readonly name: string;
  readonly kind: SpanKind;
  readonly parentSpanId: string | undefined;
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Attributes;
  readonly links: readonly SpanReference[];
  /** A code or an error's name; undefined where it did not fail. */
  readonly failure: string | undefined;
};

type Begun = Omit<EndedSpan, 'endMs' | 'failure'>;

/** More of one trace are not held while nobody knows whether it is sent. */
const maxHeld = 200;

/**
 * A span as this process keeps it. The decision which traces are sent is made by the first span of a trace here: it is
 * sampled from the start, or it failed, or something below it did.
 */
export class RecordedSpan implements TracedSpan, EndedSpan {
  readonly service: string;
  readonly kind: SpanKind;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly startMs: number;
  readonly links: readonly SpanReference[];
  readonly root: LocalRoot;
  name: string;
  attributes: Attributes;
  failure: string | undefined;
  endMs = 0;
  hasEnded = false;
  readonly #isRoot: boolean;
  readonly #sink: Sink;

  constructor(begun: Begun, place: { readonly root: LocalRoot | boolean; readonly sink: Sink }) {
    this.service = begun.service;
    this.name = begun.name;
    this.kind = begun.kind;
    this.traceId = begun.traceId;
    this.spanId = begun.spanId;
    this.parentSpanId = begun.parentSpanId;
    this.startMs = begun.startMs;
    this.attributes = begun.attributes;
    this.links = begun.links;
    this.#isRoot = typeof place.root === 'boolean';
    this.root =
      typeof place.root === 'boolean'
        ? { isSampled: place.root, hasFailed: false, isKept: undefined, held: [] }
        : place.root;
    this.#sink = place.sink;
  }
  get traceparent(): string {
    return traceparentWith(this, this.root.isSampled);
  }
  get isSampled(): boolean {
    return this.root.isSampled;
  }
  child({ name, kind = 'internal', attributes = {} }: Parameters<TracedSpan['child']>[0]): TracedSpan {
    const { service, traceId, root } = this;
    return new RecordedSpan(
      {
        service,
        name,
        kind,
        traceId,
        spanId: newSpanId(),
        parentSpanId: this.spanId,
        startMs: performance.now(),
        attributes,
        links: [],
      },
      { root, sink: this.#sink },
    );
  }
  rename(name: string): void {
    this.name = name;
  }
  set(attributes: Attributes): void {
    this.attributes = { ...this.attributes, ...attributes };
  }
  fail(type: string): void {
    this.failure = type;
    this.root.hasFailed = true;
  }
  end(endMs = performance.now()): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    this.endMs = endMs;
    const { root } = this;
    if (root.isSampled || root.isKept === true) this.#sink.send(this);
    else if (root.isKept === undefined && root.held.length < maxHeld) root.held.push(this);
    if (this.#isRoot) this.#decide();
  }
  #decide(): void {
    const { root } = this;
    root.isKept = root.isSampled || (root.hasFailed && this.#sink.mayKeep());
    if (root.isKept) for (const span of root.held) this.#sink.send(span);
    root.held.length = 0;
  }
}

/** Where ended spans go. */
export type Sink = {
  send(span: EndedSpan): void;
  /** Whether one more failed trace may be kept that was not sampled: when everything fails, some will do. */
  mayKeep(): boolean;
};
