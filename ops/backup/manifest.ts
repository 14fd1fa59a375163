import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { ConfigError } from '../../subgraphs/shared/process/env.ts';

/** The file whose presence makes a directory a back-up: it is written last. */
export const manifestName = 'manifest.json';

const manifestShape = z.object({
  format: z.literal(1),
  createdAt: z.string(),
  /** The server's `@@version`. */
  server: z.string(),
  /** Where the server's binary log stood at this point in time; null where it keeps none. */
  binaryLog: z.object({ file: z.string(), position: z.number() }).nullable(),
  schemas: z.array(
    z.object({
      /** The service's, e.g. `order`. */
      name: z.string(),
      /** As it was called on the server. */
      database: z.string(),
      /** Names of those that had been applied. */
      migrations: z.array(z.string()),
      file: z.string(),
      sha256: z.string(),
      sizeBytes: z.number(),
      /** Rows by table. */
      rows: z.record(z.string(), z.number()),
    }),
  ),
});

/** What a back-up holds: all schemas at one point in time. */
export type Manifest = z.infer<typeof manifestShape>;
export type SavedSchema = Manifest['schemas'][number];

/** Throws ConfigError for a directory that is no back-up of this format. */
export function readManifest(directory: string): Manifest {
  const path = join(directory, manifestName);
  if (!existsSync(path)) throw new ConfigError(`${directory}: is no back-up, it has no ${manifestName}.`);
  try {
    return manifestShape.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    throw new ConfigError(`${path}: is no manifest that this version knows (${(error as Error).message}).`);
  }
}

/** Throws ConfigError for files that are not as they were written. */
export async function checkFiles(directory: string, { schemas }: Manifest): Promise<void> {
  for (const { file, sha256 } of schemas) {
    const hash = createHash('sha256');
    if (existsSync(join(directory, file))) await pipeline(createReadStream(join(directory, file)), hash);
    if (hash.digest('hex') !== sha256)
      throw new ConfigError(`${join(directory, file)}: is missing or not as it was written (its SHA-256 differs).`);
  }
}
