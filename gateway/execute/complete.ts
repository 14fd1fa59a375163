import { type AnswerSize, addValue, checkSize } from '../../subgraphs/shared/answers/answer-size.ts';
import type { ErrorBook, Failure } from './error-book.ts';
import { type CompleteLeaf, completeLeaf } from './leaves.ts';
import { getOwn, ownReader, setOwn } from './own.ts';
import type { FieldShape, ObjectShape, SelectionShape, ValueShape } from './shape.ts';
import { type JsonObject, isJsonObject } from './types.ts';

/** What a shaper needs beside the data. */
export type ShapeRun = {
  readonly book: ErrorBook;
  /** What was completed so far. */
  readonly size: AnswerSize;
  /** The answers of the introspection fields at the root, by response name. */
  introspect(): JsonObject;
};

/** Completes the answer, errors and all. Null when a null in a non-null place reached the root. Throws ANSWER_TOO_LARGE. */
export type Complete = (root: JsonObject, run: ShapeRun) => JsonObject | null;

/** A null whose error is in the book, in a place that may be null. */
const failed = Symbol('failed');
/** A null in a place that can't be: the object or list around it becomes null. */
const bubbles = Symbol('bubbles');

type State = ShapeRun & { readonly path: (string | number)[]; inherited: Failure | undefined };
type CompleteValue = (value: unknown, state: State) => unknown;
type CompleteObject = (source: JsonObject, state: State) => JsonObject | typeof bubbles;

/** Code of the errors that say that a subgraph's answer was less than the schema promises. */
const incomplete = { code: 'INCOMPLETE_DATA' };

/** Compiles a shape into closures that complete values by GraphQL §6.4.3 and handle errors by §6.4.4. */
export function compileComplete(shape: ObjectShape): Complete {
  const complete = compileObject(shape);
  return (root, run) => {
    const state: State = { ...run, path: [], inherited: undefined };
    const data = complete(root, state);
    return data === bubbles ? null : data;
  };
}

function compileObject(shape: ObjectShape): CompleteObject {
  const fields = shape.fields.map((field) => ({ key: field.key, complete: compileField(shape, field) }));
  const textBytes = bytesOf(shape);
  return (source, state) => {
    const { size } = state;
    size.values += fields.length;
    size.bytes += textBytes;
    checkSize(size);
    const result: JsonObject = {};
    for (const { key, complete } of fields) {
      state.path.push(key);
      const value = complete(source, state);
      state.path.pop();
      if (value === bubbles) return bubbles;
      setOwn(result, key, value === failed ? null : value);
    }
    return result;
  };
}

function compileField(shape: ObjectShape, field: FieldShape): (source: JsonObject, state: State) => unknown {
  if (field.kind === 'introspection') return (_, state) => getOwn(state.introspect(), field.key);
  if (field.kind === 'typename') {
    if (shape.isConcrete) return () => shape.typename;
    const message = `Abstract type "${shape.typename}" must resolve to an Object type, which no subgraph could name.`;
    return (_, state) => {
      report(state, message);
      return bubbles;
    };
  }
  const { source: name } = field;
  const read = ownReader(name);
  const complete = compileValue(field.value, field.place);
  const isNonNull = field.value.kind === 'nonNull';
  return (source, state) => {
    const value = read(source);
    if (state.book.isEmpty()) return complete(value, state);
    const around = state.inherited;
    const own = state.book.failureOf(source, name);
    const failure = own ?? around;
    // A null follows from what failed if the field requires that, and else is what the subgraph has.
    if (failure && (value === undefined || (value === null && own?.origin))) {
      if (!state.book.covers(state.path)) state.book.report(failure, [...state.path]);
      return isNonNull ? bubbles : failed;
    }
    state.inherited = failure;
    const result = complete(value, state);
    state.inherited = around;
    return result;
  };
}

function compileValue(shape: ValueShape, place: string): CompleteValue {
  switch (shape.kind) {
    case 'nonNull':
      return compileNonNull(compileValue(shape.of, place), place);
    case 'list':
      return compileList(compileValue(shape.of, place), place);
    case 'object':
      return compileSelection(shape.selection, place);
    case 'leaf':
      return compileLeaf(completeLeaf(shape.type), `${shape.type.name} cannot represent the value of field ${place}.`);
  }
}

function compileNonNull(complete: CompleteValue, place: string): CompleteValue {
  const message = `Cannot return null for non-nullable field ${place}.`;
  return (value, state) => {
    const result = complete(value, state);
    if (result === failed || result === bubbles) return bubbles;
    if (result !== null) return result;
    if (!state.book.covers(state.path)) report(state, message);
    return bubbles;
  };
}

function compileList(complete: CompleteValue, place: string): CompleteValue {
  const message = `Expected Iterable, but did not find one for field "${place}".`;
  return (value, state) => {
    if (value === null || value === undefined) return null;
    if (!Array.isArray(value)) {
      report(state, message);
      return failed;
    }
    const elements: readonly unknown[] = value;
    state.size.values += elements.length;
    checkSize(state.size);
    const results: unknown[] = [];
    for (let index = 0; index < elements.length; index++) {
      state.path.push(index);
      const result = complete(elements[index], state);
      state.path.pop();
      if (result === bubbles) return failed;
      results.push(result === failed ? null : result);
    }
    return results;
  };
}

function compileLeaf(complete: CompleteLeaf, message: string): CompleteValue {
  return (value, state) => {
    if (value === null || value === undefined) return null;
    const result = complete(value);
    if (typeof result === 'string') state.size.bytes += result.length;
    else if (typeof result === 'object') addValue(state.size, result);
    if (result !== undefined) return result;
    report(state, message);
    return failed;
  };
}

function compileSelection(selection: SelectionShape, place: string): CompleteValue {
  const { type, only } = selection;
  const always = only && compileObject(only);
  const byShape = new Map<ObjectShape, CompleteObject>();
  const objectOf = (source: JsonObject): CompleteObject | undefined => {
    if (always) return always;
    const shape = shapeOfObject(selection, source);
    if (!shape) return undefined;
    let complete = byShape.get(shape);
    if (!complete) byShape.set(shape, (complete = compileObject(shape)));
    return complete;
  };
  return (value, state) => {
    if (value === null || value === undefined) return null;
    if (!isJsonObject(value)) {
      report(state, `Expected value of type "${type.name}" for field ${place}, but did not find an object.`);
      return failed;
    }
    const complete = objectOf(value);
    if (!complete) {
      report(state, `Abstract type "${type.name}" was resolved to a type that it does not have, for field ${place}.`);
      return failed;
    }
    const result = complete(value, state);
    return result === bubbles ? failed : result;
  };
}

/** Beside a name, what a value takes: quotes, colon and comma, or a number. */
const bytesPerValue = 8;

/** About how many bytes an object takes, without the texts in it. */
export const bytesOf = ({ fields }: ObjectShape): number =>
  fields.reduce((sum, { key }) => sum + key.length + bytesPerValue, 2);

/** The shape for an object in an abstract place. One without a `__typename` has at least the interface's own fields. */
export function shapeOfObject(selection: SelectionShape, source: JsonObject): ObjectShape | null {
  const typename = source['__typename'];
  if (typename === undefined) return selection.shapeOf(selection.type.name);
  return typeof typename === 'string' ? selection.shapeOf(typename) : null;
}

/** The message never holds the value: it may be something that clients must not see. */
function report({ book, path }: State, message: string): void {
  book.add({ message, extensions: incomplete }, [...path]);
}
