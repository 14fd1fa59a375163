import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
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

/**
 * As `unpackDebianPackages`, from another suite of Debian than this system's, such as `sid`: with every library that the
 * programs need, the C library and its loader included, and nothing of this system's. apt checks the signatures.
 *
 * @returns where they are, and what comes before a program's path to run it; undefined where this is no Debian
 */
export async function unpackForeignPackages(options: {
  names: string[];
  suite: string;
  directory: string;
  log: (line: string) => void;
}): Promise<{ root: string; loader: string[] } | undefined> {
  const { names, suite, directory, log } = options;
  if (!findOnPath('apt-get') || !findOnPath('dpkg') || !existsSync(debianKeys)) return undefined;
  const release = await acquireLock(`${directory}.lock`, {
    onWait: (pid) => log(`waiting for the download that process ${pid} is doing`),
  });
  try {
    if (!existsSync(directory)) {
      log(`fetching ${names.join(', ')} of Debian's ${suite}`);
      await downloadAndUnpack(names, directory, (staging) => foreignPackageLists(staging, suite));
    }
  } finally {
    release();
  }
  const [libraries = ''] = await libraryDirectories(directory);
  return { root: directory, loader: [join(libraries, 'ld-linux-x86-64.so.2'), '--library-path', libraries] };
}

const debianKeys = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** Lists of the suite at the mirror that this system uses, for a system on which nothing is installed yet. */
async function foreignPackageLists(staging: string, suite: string): Promise<string[]> {
  const mirrors = await runCommand('apt-get', ['indextargets', '--format', '$(REPO_URI)', 'Created-By: Packages', 'Origin: Debian']); // prettier-ignore
  const [mirror = ''] = mirrors.split('\n');
  if (mirror === '') throw new Error('apt knows no mirror of Debian: run apt-get update first');
  const status = join(staging, 'status');
  const sources = join(staging, 'sources.list');
  await writeFile(status, '');
  await writeFile(sources, `deb [signed-by=${debianKeys}] ${mirror} ${suite} main\n`);
  return freshPackageLists(staging, status, ['-o', `Dir::Etc::SourceList=${sources}`, '-o', 'Dir::Etc::SourceParts=/dev/null']); // prettier-ignore
}

async function downloadAndUnpack(
  names: string[],
  directory: string,
  lists: (staging: string) => Promise<string[]> = async () => [],
): Promise<void> {
  const staging = await mkdtemp(`${directory}-`);
  try {
    const downloads = join(staging, 'downloads');
    const root = join(staging, 'root');
    await Promise.all([mkdir(downloads), mkdir(root)]);
    const aptOptions = await lists(staging);
    try {
      await download(names, downloads, aptOptions);
    } catch (error) {
      if (aptOptions.length > 0) throw error;
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
async function freshPackageLists(
  staging: string,
  status = '/var/lib/dpkg/status',
  others: string[] = [],
): Promise<string[]> {
  const state = join(staging, 'apt-state');
  const cache = join(staging, 'apt-cache');
  await mkdir(join(state, 'lists', 'partial'), { recursive: true });
  await mkdir(join(cache, 'archives', 'partial'), { recursive: true });
  const options = [
    '-o',
    `Dir::State=${state}`,
    '-o',
    `Dir::State::status=${status}`,
    '-o',
    `Dir::Cache=${cache}`,
    ...others,
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
