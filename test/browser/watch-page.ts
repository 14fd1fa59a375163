import type { Page } from 'playwright-core';

/** Notes what no page may do: errors in the console, uncaught errors, requests to another origin. */
export function watchPage(page: Page, origin: string): string[] {
  const faults: string[] = [];
  page.on('console', (message) => {
    // The browser itself notes every 4xx; a declined card is one.
    if (message.type() === 'error' && !message.text().includes('402')) faults.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => faults.push(`uncaught: ${error.message}`));
  page.on('request', (request) => {
    if (!/^(data|blob):/.test(request.url()) && new URL(request.url()).origin !== origin) faults.push(request.url());
  });
  return faults;
}
