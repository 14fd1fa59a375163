import { GraphQLError } from 'graphql';
import { executeLimits } from './limits.ts';
import type { JsonObject, ResponsePath } from './types.ts';

/** An error as clients see it, but for its path. */
export type ErrorDetails = {
  readonly message: string;
  readonly extensions: Readonly<Record<string, unknown>>;
  readonly originalError?: Error;
};

/** A fetch that brought nothing for an object: the reason why fields of it are missing. */
export type Failure = ErrorDetails & {
  /** The response names that the fetch was to bring. */
  readonly keys: ReadonlySet<string>;
  /** Where the object is, for a failure that no field of the answer shows. */
  readonly path: ResponsePath | undefined;
  /** True when the error is in the book already, at a place of its own. */
  readonly isKnown?: boolean;
  /** The failure that this one follows from: told here, it is told. */
  readonly origin?: Failure;
};

/**
 * The errors of one execution. Those of subgraphs come with a path; a fetch that failed is noted at the objects it was
 * for, and becomes an error at each field that is missing because of it: as if the field's own resolver had failed.
 */
export type ErrorBook = {
  /** True until something goes wrong: data can be shaped without asking the book. */
  isEmpty(): boolean;
  /** `failure`: the same as noted at the object whose field it made null. */
  add(error: ErrorDetails, path: ResponsePath | undefined, failure?: Failure): void;
  fail(object: JsonObject, failure: Failure): void;
  /** The failure that explains why a field of the object is missing. */
  failureOf(object: JsonObject, key: string): Failure | undefined;
  /** Reports a failure at a missing field. */
  report(failure: Failure, path: ResponsePath): void;
  /** Whether a null at this path has its error already: there or below (GraphQL §6.4.4). */
  covers(path: ResponsePath): boolean;
  /**
   * All errors, their paths changed by `clip`; failures that no field shows are reported by themselves. What only the plan
   * asked for has no place of its own in the answer: its error is told at the null that it led to, or once without a path.
   * In the order of their paths, those without one first: which subgraph answered first must not show. Beyond
   * `executeLimits.errors` it does, in which are left out.
   */
  finish(answer: AnswerPaths): readonly GraphQLError[];
};

/** What the paths of errors are compared with. */
export type AnswerPaths = {
  /** As far as the client's operation goes. */
  clip(path: ResponsePath): ResponsePath;
  /** Whether the answer has null at the path, or around it. */
  isNull(path: ResponsePath): boolean;
};

type Entry = {
  readonly error: ErrorDetails;
  readonly path: ResponsePath | undefined;
  readonly failure: Failure | undefined;
};

type PathTree = { readonly children: Map<string | number, PathTree> };

export function openErrorBook(): ErrorBook {
  const entries: Entry[] = [];
  const failures = new Map<JsonObject, Failure[]>();
  const unreported = new Set<Failure>();
  const reported = new Set<Failure>();
  const paths: PathTree = { children: new Map() };
  let dropped = 0;

  function add(error: ErrorDetails, path: ResponsePath | undefined, failure?: Failure): void {
    if (path) notePath(path);
    if (entries.length < executeLimits.errors) entries.push({ error, path, failure });
    else dropped += 1;
  }
  function noteReported(failure: Failure): void {
    reported.add(failure);
    unreported.delete(failure);
  }
  function notePath(path: ResponsePath): void {
    let node = paths;
    for (const element of path) {
      let child = node.children.get(element);
      if (!child) node.children.set(element, (child = { children: new Map() }));
      node = child;
    }
  }
  return {
    isEmpty: () => entries.length === 0 && failures.size === 0 && unreported.size === 0,
    add,
    fail(object, failure) {
      const known = failures.get(object);
      if (known) known.splice(known.findLastIndex((one) => byText(one, failure) <= 0) + 1, 0, failure);
      else failures.set(object, [failure]);
      if (!failure.isKnown && !reported.has(failure)) unreported.add(failure);
    },
    failureOf: (object, key) => failures.get(object)?.find(({ keys }) => keys.has(key)),
    report(failure, path) {
      noteReported(failure);
      if (failure.origin) noteReported(failure.origin);
      add(failure, path);
    },
    covers(path) {
      let node: PathTree | undefined = paths;
      for (const element of path) {
        node = node.children.get(element);
        if (!node) return false;
      }
      return true;
    },
    finish({ clip, isNull }) {
      const errors = entries.flatMap(({ error, path, failure }) => {
        const clipped = path && clip(path);
        if (!path || !clipped || clipped.length === path.length || isNull(clipped)) return asError(error, clipped);
        return failure && reported.has(failure) ? [] : asError(error, undefined);
      });
      for (const failure of unreported) {
        const clipped = failure.path && clip(failure.path);
        if (errors.length < executeLimits.errors)
          errors.push(asError(failure, clipped && isNull(clipped) ? clipped : undefined));
        else dropped += 1;
      }
      unreported.clear();
      if (errors.length > 1) errors.sort(byPath);
      const told = withoutRepeated(errors);
      if (dropped > 0)
        told.push(new GraphQLError(`There are ${dropped} more errors.`, { extensions: { code: 'INCOMPLETE_DATA' } }));
      return told;
    },
  };
}

/** What has no place in the answer is told once, not for each object that it happened to. Sorted, the same stand together. */
const withoutRepeated = (errors: readonly GraphQLError[]): GraphQLError[] =>
  errors.filter((error, index) => {
    const before = errors[index - 1];
    return error.path !== undefined || before?.path !== undefined || !before || byText(before, error) !== 0;
  });

const asError = ({ message, extensions, originalError }: ErrorDetails, path: ResponsePath | undefined): GraphQLError =>
  new GraphQLError(message, {
    extensions: { ...extensions },
    ...(path?.length && { path }),
    ...(originalError && { originalError }),
  });

function byPath(a: GraphQLError, b: GraphQLError): number {
  const { path: left = [] } = a;
  const { path: right = [] } = b;
  const depth = left.findIndex((element, index) => element !== right[index]);
  const [one, other] = [left[depth], right[depth]];
  if (one === undefined || other === undefined) return left.length - right.length || byText(a, b);
  return typeof one === 'number' && typeof other === 'number' ? one - other : compareText(String(one), String(other));
}

/** Two subgraphs may fail at one place. */
const byText = (a: ErrorDetails, b: ErrorDetails): number =>
  compareText(a.message, b.message) || compareText(textOf(a.extensions), textOf(b.extensions));

/** A service of the same process may throw errors with what JSON can't say. */
function textOf(extensions: ErrorDetails['extensions']): string {
  try {
    return JSON.stringify(extensions);
  } catch {
    return '';
  }
}

const compareText = (a: string, b: string): number => (a === b ? 0 : a < b ? -1 : 1);
