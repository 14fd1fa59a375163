import type { Dependency, Fault, Outage } from './table.ts';

/** Something that the table promises and that does not hold. Its tests allow it, and nothing else; the page lists it. */
export type NotYet = {
  readonly dependencies: readonly Dependency[];
  readonly faults: readonly Fault[];
  /** For people. */
  readonly what: string;
  /** What the test sees then. */
  readonly seenAs: RegExp;
};

export const notYet: readonly NotYet[] = [];

/** What an outage's test has seen that nobody has said to be so. */
export const unexpected = (outage: Outage, violations: readonly string[]): string[] =>
  violations.filter(
    (violation) =>
      !notYet.some(
        ({ dependencies, faults, seenAs }) =>
          faults.includes(outage.fault) &&
          outage.dependencies.some((dependency) => dependencies.includes(dependency)) &&
          seenAs.test(violation),
      ),
  );
