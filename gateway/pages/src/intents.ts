/**
 * Idempotency keys, one for each thing that the user means to do: kept over retries and reloads of this tab until the
 * server has answered, so that a lost answer never orders or pays twice.
 */
const prefix = 'intent:';

/** In case storage is switched off: then an intent lives as long as the page. */
const kept = new Map<string, string>();

/**
 * The key for doing `input` under `name`, e.g. `place-order`: the same for the same input, until it is settled. Other
 * input is another intent and gets a new key.
 */
export function intentKey(name: string, input: unknown): string {
  const wanted = JSON.stringify(input);
  const [known, key] = read(name) ?? [];
  if (known === wanted && key !== undefined) return key;
  const made = newIdempotencyKey();
  write(name, JSON.stringify([wanted, made]));
  return made;
}

/** The server has answered, well or with a refusal: doing it again is a new intent. */
export const settleIntent = (name: string): void => write(name, null);

/** `crypto.randomUUID` is missing outside secure contexts. */
export function newIdempotencyKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function read(name: string): [input: string, key: string] | null {
  try {
    const text = kept.get(name) ?? sessionStorage.getItem(prefix + name);
    return text === null ? null : (JSON.parse(text) as [string, string]);
  } catch {
    return null;
  }
}

function write(name: string, text: string | null): void {
  if (text === null) kept.delete(name);
  else kept.set(name, text);
  try {
    if (text === null) sessionStorage.removeItem(prefix + name);
    else sessionStorage.setItem(prefix + name, text);
  } catch {
    return;
  }
}
