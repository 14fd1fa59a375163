import './global-setup.ts';

/** Ends what global-setup started. */
export default async function tearDown(): Promise<void> {
  await globalThis.testServers?.stop();
}
