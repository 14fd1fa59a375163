import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Where distributions put servers; not on the PATH of everyone. */
const serverDirectories = ['/usr/sbin', '/usr/local/sbin'];

/** The full path of the first of these programs that is on PATH (or where servers are installed), or undefined. */
export function findOnPath(...names: string[]): string | undefined {
  const directories = [...(process.env['PATH'] ?? '').split(delimiter).filter(Boolean), ...serverDirectories];
  return names.flatMap((name) => directories.map((directory) => join(directory, name))).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
