import type { Turns } from '../queues/turns.ts';

/** Values that are written at once. */
const valuesInPart = 500;
/** Characters after which others get their turn. */
const charactersInTurn = 64 * 1024;

/**
 * The JSON text of a large answer in parts, as `JSON.stringify` gives it for plain data, built in several turns of the
 * event loop.
 */
export async function jsonInTurns(value: unknown, turns: Turns): Promise<string[]> {
  const parts: string[] = [];
  let part = '';
  for (const text of pieces(value)) {
    part += text;
    if (part.length < charactersInTurn) continue;
    parts.push(part);
    part = '';
    // oxlint-disable-next-line no-await-in-loop
    await turns.next();
  }
  if (part !== '') parts.push(part);
  return parts;
}

function* pieces(value: unknown): Generator<string, void, void> {
  if (!isLarge(value)) yield JSON.stringify(value) ?? 'null';
  else if (Array.isArray(value)) {
    let before = '[';
    for (const element of value as readonly unknown[]) {
      yield before;
      yield* pieces(element);
      before = ',';
    }
    yield ']';
  } else {
    let before = '{';
    for (const [name, inner] of Object.entries(value as object)) {
      if (inner === undefined) continue;
      yield `${before}${JSON.stringify(name)}:`;
      yield* pieces(inner);
      before = ',';
    }
    yield before === '{' ? '{}' : '}';
  }
}

/** Whether it holds more values than are written at once. Looks at no more than that. What writes itself is no part of it. */
function isLarge(value: unknown): boolean {
  let left = valuesInPart;
  const count = (one: unknown): void => {
    if (typeof one !== 'object' || one === null || 'toJSON' in one) return;
    const inner: readonly unknown[] = Array.isArray(one) ? one : Object.values(one);
    left -= inner.length;
    for (const each of inner) {
      if (left < 0) return;
      count(each);
    }
  };
  count(value);
  return left < 0;
}
