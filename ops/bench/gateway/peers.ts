import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { outerEnvironment } from '../../bootstrap.mjs';
import { dataDir } from '../measure.ts';

const sourceDir = resolve(import.meta.dirname, '..', 'peers');
const manifests = ['package.json', 'package-lock.json'];
const shownCharacters = 400;

/**
 * Installs the other gateways, as `ops/bench/peers/package-lock.json` pins them, under the data directory, once. Answers
 * the directory whose node_modules holds them. Rejects with npm's words where they can't be had.
 */
export async function installPeers(log: (line: string) => void): Promise<string> {
  const dir = join(dataDir(), 'bench-peers');
  const stampPath = join(dir, 'installed');
  const hash = createHash('sha256');
  for (const name of manifests) hash.update(await readFile(join(sourceDir, name)));
  const stamp = hash.digest('hex');
  if (existsSync(stampPath) && (await readFile(stampPath, 'utf8')) === stamp) return dir;
  await mkdir(dir, { recursive: true });
  for (const name of manifests) await copyFile(join(sourceDir, name), join(dir, name));
  log('Installing the gateways to compare with (npm ci in .data/bench-peers) …');
  const npm = spawn('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: dir,
    env: outerEnvironment(process.env),
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const exited = new Promise<number | null>((done, fail) => npm.once('error', fail).once('close', done));
  const [code, complaints] = await Promise.all([exited, text(npm.stderr)]);
  if (code !== 0) throw new Error(`npm ci ended with ${code}: ${complaints.trim().slice(-shownCharacters)}`);
  await writeFile(stampPath, stamp);
  return dir;
}

/** The version of an installed peer. */
export async function peerVersion(peersDir: string, name: string): Promise<string> {
  const manifest = await readFile(join(peersDir, 'node_modules', name, 'package.json'), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}
