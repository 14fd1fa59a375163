import type { Program } from './processes.ts';

/** A graph with its subgraphs running, what is asked of it, and the gateways that can stand before it. */
export type Scene = {
  /** Bodies of requests, by the name of the operation. */
  readonly requests: Readonly<Record<string, string>>;
  /** Names of the gateways. */
  readonly variants: readonly string[];
  /** How to start one of them. */
  program(variant: string, port: number): Promise<Program>;
  /** `Authorization` headers, each another one, good for the next minutes. */
  authorizations(count: number): Promise<readonly string[]>;
  /** Versions of what doesn't come with the project, for those of the variants that were measured. */
  versions(variants: readonly string[]): Promise<Readonly<Record<string, string>>>;
  close(): Promise<void>;
};
