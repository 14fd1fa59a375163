/**
 * Builds the browser pages (storefront with payment and staff view, GraphiQL) of gateway/pages with Vite, and the documentation site, when what they are made of changed.
 * Run by hand: `node ops/pages.ts`.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { acquireLock } from './lock-directory.mjs';

const root = fileURLToPath(new URL('../', import.meta.url));
const sourceDir = join(root, 'gateway/pages');
/**
 * What the pages are made of, in their folder and outside it: GraphiQL takes the operations' texts, the others the typed
 * documents, the documentation what people read.
 */
export const pageSources = [
  'gateway/pages',
  'schema/operations',
  'schema/with-fragments.ts',
  'schema/generated/operations.ts',
  'subgraphs/shared/values/currencies.ts',
  'schema/api.graphql',
  'docs',
  'README.md',
  'ARCHITECTURE.md',
  'DECISIONS.md',
  'CHANGELOG.md',
  'subgraphs/user/README.md',
  'subgraphs/product/README.md',
  'subgraphs/order/README.md',
  'subgraphs/payment/README.md',
  'ops/docs-site',
  'ops/runbooks',
  'ops/SCALE.md',
  'ops/bench/README.md',
  'ops/torture/README.md',
] as const;
/** Ignored by git, made again after `npm ci`, and independent of DATA_DIR: several data directories share one build. */
const cacheDir = join(root, 'node_modules/.cache/pages');
/** A server that runs keeps reading the build it started with, so a few older ones stay. */
const keptBuilds = 3;
/** Smaller files gain nothing that is worth a second copy. */
const compressFromBytes = 2_048;

/**
 * Makes sure that the built pages are there, offline and in seconds. Each build has a directory of its own, named by
 * the hash of its sources, which appears by one rename: a reader never sees half a build, two callers don't collide.
 * The bundler runs in a process of its own, because it sets NODE_ENV for the whole process it is in.
 *
 * @returns distDir: absolute path of the build; built: false when it was there already
 */
export async function ensurePages(): Promise<{ distDir: string; built: boolean }> {
  const distDir = join(cacheDir, sourceHash());
  if (existsSync(distDir)) return { distDir, built: false };
  // Without it the bundler takes over NODE_ENV, and with any other than production React's large development build.
  const env = { ...process.env, NODE_ENV: 'production' };
  await promisify(execFile)(process.execPath, [fileURLToPath(import.meta.url)], { cwd: root, env });
  return { distDir, built: true };
}

/** Builds here and now, unless it is done or another process is at it. */
async function buildOnce(distDir: string): Promise<boolean> {
  if (existsSync(distDir)) return false;
  const release = await acquireLock(join(cacheDir, 'build.lock'));
  try {
    if (existsSync(distDir)) return false;
    const workDir = `${distDir}.tmp`;
    rmSync(workDir, { recursive: true, force: true });
    await buildPages(workDir);
    await compressFiles(workDir);
    renameSync(workDir, distDir);
    removeOldBuilds(distDir);
    return true;
  } finally {
    release();
  }
}

/** Everything that the build depends on: its sources, the packages, and this file. */
function sourceHash(): string {
  const files = [
    ...pageSources.flatMap((path) => filesOf(join(root, path))),
    join(root, 'package-lock.json'),
    fileURLToPath(import.meta.url),
  ];
  const hash = createHash('sha256');
  for (const file of files) {
    const content = readFileSync(file);
    hash.update(`${relative(root, file)}\n${content.length}\n`).update(content);
  }
  return hash.digest('hex').slice(0, 16);
}

/** A file itself, or all files below a directory. */
const filesOf = (path: string): string[] =>
  statSync(path).isFile()
    ? [path]
    : readdirSync(path, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name))
        .toSorted();

async function buildPages(outDir: string): Promise<void> {
  mkdirSync(outDir, { recursive: true });
  // Loaded only here: where the pages are built already, the bundler need not be installed.
  const [{ build }, { buildDocs }] = await Promise.all([import('vite'), import('./docs-site/build-docs.ts')]);
  await build({
    root: sourceDir,
    configFile: false,
    mode: 'production',
    // Below errors there are only warnings about directives in packages that mean nothing here.
    logLevel: 'error',
    build: {
      outDir,
      emptyOutDir: true,
      target: 'es2022',
      // The content security policy allows neither inline scripts nor data: scripts.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      chunkSizeWarningLimit: 8_192,
      rolldownOptions: {
        input: ['index.html', 'graphiql.html', 'docs.html'].map((page) => join(sourceDir, page)),
      },
    },
    worker: { format: 'es' },
  });
  buildDocs(root, outDir);
}

/** Puts a `.gz` beside each text file, so that serving costs no CPU. */
async function compressFiles(directory: string): Promise<void> {
  const files = filesOf(directory).filter(
    (file) => /\.(js|css|svg|json|html)$/.test(file) && statSync(file).size >= compressFromBytes,
  );
  await Promise.all(
    files.map(async (file) => writeFileSync(`${file}.gz`, await promisify(gzip)(readFileSync(file), { level: 8 }))),
  );
}

function removeOldBuilds(current: string): void {
  const others = readdirSync(cacheDir)
    .filter((name) => /^[0-9a-f]{16}$/.test(name))
    .map((name) => join(cacheDir, name))
    .filter((directory) => directory !== current)
    .toSorted((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
  for (const directory of others.slice(keptBuilds - 1)) rmSync(directory, { recursive: true, force: true });
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const startedAtMs = performance.now();
  const distDir = join(cacheDir, sourceHash());
  const built = await buildOnce(distDir);
  const took = `${((performance.now() - startedAtMs) / 1000).toFixed(1)} s`;
  console.log(built ? `built ${relative(root, distDir)} in ${took}` : `${relative(root, distDir)} is up to date`);
}
