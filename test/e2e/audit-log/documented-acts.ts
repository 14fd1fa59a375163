import { readFileSync } from 'node:fs';

/** The table of `docs/audit-log.md`: mutation → action. */
export function documentedActs(): ReadonlyMap<string, string> {
  const text = readFileSync(new URL('../../../docs/audit-log.md', import.meta.url), 'utf8');
  return new Map([...text.matchAll(/^\| `(\w+)`\s*\| `([\w.]+)`/gm)].map(([, mutation = '', action = '']) => [mutation, action])); // prettier-ignore
}
