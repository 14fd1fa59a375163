import { readFileSync } from 'node:fs';
import type { Dependency, Fault } from './table.ts';

/** When the outages of `seen.json` were seen to pass. */
export const seenOn = '2026-11-30';

/** `redis: hangs` → `one, at rest`, …: shapes and moments in which the test of a cell was seen to pass. It is a record, added to by hand from MATRIX_REPORT. */
export const seen = JSON.parse(readFileSync(new URL('seen.json', import.meta.url), 'utf8')) as Readonly<Record<string, readonly string[]>>; // prettier-ignore

export const seenOf = (dependency: Dependency, fault: Fault): readonly string[] => seen[`${dependency}: ${fault}`] ?? []; // prettier-ignore
