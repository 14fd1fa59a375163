import type { Line, Stage } from './stage.ts';

/** What a cell's lines say of a dependency, by process. */
export type Said = { readonly away: ReadonlyMap<string, number>; readonly back: ReadonlyMap<string, number> };

/** What `npm start` itself prints about its services, and not one of them. */
const supervisors = [/^ended with .*; starting it again in \d+ ms$/];
const error = 50;

type Entry = { level?: number; time?: number; msg?: string; dependency?: string };

/** How often each process said that a dependency went away, and that it came back. */
export function saidOf(lines: readonly Line[], dependency: string): Said {
  const away = new Map<string, number>();
  const back = new Map<string, number>();
  for (const { process, text } of lines) {
    const entry = entryOf(text);
    if (!entry || dependencyOf(entry) !== dependency) continue;
    const counts =
      entry.msg === 'a dependency is away' ? away : entry.msg === 'a dependency is back' ? back : undefined;
    counts?.set(process, (counts.get(process) ?? 0) + 1);
  }
  return { away, back };
}

/** Lines that are not our own JSON, and errors: an outage is none. */
export const oddLines = (lines: readonly Line[]): string[] =>
  lines
    .filter(({ text }) => {
      const entry = entryOf(text);
      if (!entry) return !supervisors.some((form) => form.test(text));
      return (entry.level ?? error) >= error;
    })
    .map(({ process, text }) => `${process} printed ${text.slice(0, 300)}`);

/** What was said beside the two lines that an outage is worth, and how often. */
export function otherMessages(lines: readonly Line[], dependencies: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { process, text } of lines) {
    const entry = entryOf(text);
    if (!entry || dependencies.includes(dependencyOf(entry) ?? '')) continue;
    const message = `${process}: ${entry.msg}`;
    counts[message] = (counts[message] ?? 0) + 1;
  }
  return counts;
}

/** `provider simulated` is a provider. */
const dependencyOf = (entry: Entry | undefined): string | undefined =>
  entry?.dependency?.replace(/^provider .*/, 'provider');

function entryOf(text: string): Entry | undefined {
  try {
    const entry = JSON.parse(text) as Entry | null;
    return typeof entry === 'object' && entry !== null && typeof entry.level === 'number' ? entry : undefined;
  } catch {
    return undefined; // not JSON: judged by the caller
  }
}

/** The lines that a stage prints from now on. */
export function linesFrom(stage: Stage): () => readonly Line[] {
  const before = new Map<string, number>();
  for (const { process } of stage.lines()) before.set(process, (before.get(process) ?? 0) + 1);
  return () => {
    const seen = new Map<string, number>();
    return stage.lines().filter(({ process }) => {
      const place = seen.get(process) ?? 0;
      seen.set(process, place + 1);
      return place >= (before.get(process) ?? 0);
    });
  };
}
