import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { acquireLock } from '../lock-directory.mjs';
import { findOnPath } from './find-on-path.ts';
import { runCommand } from './run-command.ts';

/** Files of Debian packages in a directory of their own, and the environment their programs run in. */
export type UnpackedPackages = { root: string; env: NodeJS.ProcessEnv };

/**
 * Downloads Debian or Ubuntu packages and unpacks them, with the libraries that this system lacks, without being root
 * and without touching the system. Done once; later calls find the directory.
 *
 * @param options.directory where the files go (`<directory>/usr/bin/…`)
 * @returns undefined where there is no apt
 * @throws Error with apt's own message when the packages cannot be had
 */
export async function unpackDebianPackages(options: {
  names: string[];
  directory: string;
  log: (line: string) => void;
}): Promise<UnpackedPackages | undefined> {
  const { names, directory, log } = options;
  if (!findOnPath('apt-get') || !findOnPath('dpkg')) return undefined;
  const release = await acquireLock(`${directory}.lock`, {
    onWait: (pid) => log(`waiting for the download that process ${pid} is doing`),
  });
  try {
    if (!existsSync(directory)) {
      log(`fetching ${names.join(', ')} from the distribution's packages`);
      await downloadAndUnpack(names, directory);
    }
  } finally {
    release();
  }
  return { root: directory, env: { ...process.env, LD_LIBRARY_PATH: (await libraryDirectories(directory)).join(':') } };
}

async function downloadAndUnpack(names: string[], directory: string): Promise<void> {
  const staging = await mkdtemp(`${directory}-`);
  try {
    const downloads = join(staging, 'downloads');
    const root = join(staging, 'root');
    await Promise.all([mkdir(downloads), mkdir(root)]);
    try {
      await download(names, downloads, []);
    } catch {
      // The system's package lists are missing (as in most images) or outdated: fetch our own. If that fails, its message counts.
      await download(names, downloads, await freshPackageLists(staging));
    }
    for (const file of await readdir(downloads)) await runCommand('dpkg', ['-x', join(downloads, file), root]);
    await rename(root, directory);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

async function download(names: string[], cwd: string, aptOptions: string[]): Promise<void> {
  const env = { ...process.env, LC_ALL: 'C' };
  const options = [...aptOptions, '-o', 'APT::Sandbox::User=root'];
  const simulated = await runCommand(
    'apt-get',
    [...options, '--simulate', '--no-install-recommends', 'install', ...names],
    { env },
  );
  // "Inst name (version …" is new here, "Inst name [old] (new …" is an upgrade of what this system already has and can use.
  const lacking = [...simulated.matchAll(/^Inst (\S+) \(/gm)].map((match) => match[1] as string);
  await runCommand('apt-get', [...options, 'download', ...new Set([...names, ...lacking])], { cwd, env });
}

/** Runs `apt-get update` into a directory of our own; answers the options that make apt use it. */
async function freshPackageLists(staging: string): Promise<string[]> {
  const state = join(staging, 'apt-state');
  const cache = join(staging, 'apt-cache');
  await mkdir(join(state, 'lists', 'partial'), { recursive: true });
  await mkdir(join(cache, 'archives', 'partial'), { recursive: true });
  const options = [
    '-o',
    `Dir::State=${state}`,
    '-o',
    'Dir::State::status=/var/lib/dpkg/status',
    '-o',
    `Dir::Cache=${cache}`,
  ];
  await runCommand('apt-get', [...options, '-o', 'APT::Sandbox::User=root', 'update']);
  return options;
}

async function libraryDirectories(root: string): Promise<string[]> {
  const directories: string[] = [];
  for (const lib of [join(root, 'usr', 'lib'), join(root, 'lib')].filter((path) => existsSync(path))) {
    const entries = await readdir(lib);
    directories.push(...entries.filter((entry) => entry.includes('-linux-')).map((entry) => join(lib, entry)));
  }
  return directories;
}
