import { GraphQLError } from 'graphql';

/** How much one answer may hold. */
export type AnswerLimits = {
  /** Values: every field of every object and every element of every list. */
  readonly maxValues: number;
  /** Bytes of its JSON text. */
  readonly maxBytes: number;
};

export const defaultAnswerLimits: AnswerLimits = { maxValues: 100_000, maxBytes: 8 * 1024 * 1024 };

/** What an answer has come to so far. */
export type AnswerSize = {
  values: number;
  /** About: characters, and some for each value. */
  bytes: number;
  readonly limits: AnswerLimits;
};

export const newAnswerSize = (limits: AnswerLimits): AnswerSize => ({ values: 0, bytes: 0, limits });

const code = 'ANSWER_TOO_LARGE';

/** The client's document asks for more than one answer may hold. */
export const answerTooLarge = ({ maxValues, maxBytes }: AnswerLimits): GraphQLError =>
  new GraphQLError(
    `The answer would have more than ${maxValues} values or ${maxBytes} bytes. Ask for less at a time.`,
    { extensions: { code, http: { status: 400 } } },
  );

export const isAnswerTooLarge = (error: { readonly extensions?: Readonly<Record<string, unknown>> }): boolean =>
  error.extensions?.['code'] === code;

/** A value's name, quotes, colon and comma; also what a number or `false` takes. */
const bytesPerValue = 8;

/** Throws ANSWER_TOO_LARGE as soon as the size is above its limits. */
export function checkSize({ values, bytes, limits }: AnswerSize): void {
  if (values > limits.maxValues || bytes > limits.maxBytes) throw answerTooLarge(limits);
}

/** Adds a JSON-like value with all that is in it. Throws ANSWER_TOO_LARGE. */
export function addValue(size: AnswerSize, value: unknown): void {
  if (typeof value === 'string') size.bytes += value.length;
  else if (typeof value === 'object' && value !== null) {
    const isList = Array.isArray(value);
    const inner: readonly unknown[] = isList ? value : Object.values(value);
    size.values += inner.length;
    size.bytes += inner.length * bytesPerValue;
    checkSize(size);
    for (const one of inner) addValue(size, one);
  }
}

/** Beside its message, what an error takes: path, code, trace id. */
const bytesPerError = 128;

/** Adds the errors that go out beside the data, which may all say the same long text. Throws ANSWER_TOO_LARGE. */
export function addErrors(size: AnswerSize, errors: readonly { readonly message: string }[]): void {
  for (const { message } of errors) size.bytes += message.length + bytesPerError;
  checkSize(size);
}

/** A character is at most three bytes of UTF-8, an escaped one six. */
const maxBytesPerCharacter = 6;
const plainText = /^[ !#-[\]-~]*$/;

/** Refuses an answer whose text is above `maxBytes`. It is measured only where `size` says that it may be. Throws ANSWER_TOO_LARGE. */
export function checkBytes(
  {
    data,
    errors = [],
  }: { readonly data?: unknown; readonly errors?: readonly { readonly message: string }[] | undefined },
  { bytes, limits }: AnswerSize,
): void {
  if (bytes * maxBytesPerCharacter <= limits.maxBytes) return;
  let left = limits.maxBytes - errors.length * bytesPerError;
  const take = (text: string): void => {
    left -= plainText.test(text) ? text.length + 2 : Buffer.byteLength(JSON.stringify(text));
    if (left < 0) throw answerTooLarge(limits);
  };
  const measure = (one: unknown): void => {
    if (typeof one === 'string') take(one);
    else if (Array.isArray(one)) {
      left -= one.length + 1;
      one.forEach(measure);
    } else if (typeof one === 'object' && one !== null) {
      for (const [name, inner] of Object.entries(one)) {
        left -= 2;
        take(name);
        measure(inner);
      }
    } else left -= String(one).length;
  };
  for (const { message } of errors) take(message);
  measure(data);
}

/** From here on an answer is handled part by part, so that others get their turns in between. */
export const largeFromBytes = 128 * 1024;

const sizeOfResult = Symbol('size of a large result');

/** Remembers with a result how large it is; nothing for one that isn't large. Not a part of its JSON. */
export function noteSize<Result extends object>(result: Result, bytes: number): Result {
  if (bytes >= largeFromBytes) Object.defineProperty(result, sizeOfResult, { value: bytes });
  return result;
}

/** About how many bytes a large result has; 0 for others. */
export const notedSize = (result: object): number => (result as { [sizeOfResult]?: number })[sizeOfResult] ?? 0;
