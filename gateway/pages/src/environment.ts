/** The server marks the page when it runs for development; only then are the demo accounts of ops/seed.ts there. */
export const isDevelopment = document.documentElement.dataset['environment'] === 'development';
