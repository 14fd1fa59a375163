import { createHash } from 'node:crypto';
import { stripTypeScriptTypes } from 'node:module';

/** Jest's transformer: TypeScript to JavaScript by Node's own type stripping, as at run time. Lines and columns stay. */
export default {
  /** @param {string} source */
  process: (source) => ({ code: stripTypeScriptTypes(source, { mode: 'strip' }) }),
  /** @param {string} source @param {string} path */
  getCacheKey: (source, path) => createHash('sha256').update(`${process.version}\n${path}\n${source}`).digest('hex'),
};
