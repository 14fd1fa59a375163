/** Statuses that say nothing about the request itself, e.g. a key that is wrong until somebody mends it: it is made again. */
const unheard: ReadonlySet<number> = new Set([401, 403, 408, 409, 429]);

/** True for an HTTP status after which it is not known whether the request was or will be done: ask again. */
export const saysNothing = (status: number): boolean => status >= 500 || unheard.has(status);
