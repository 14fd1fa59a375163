import { expect } from '@jest/globals';
import { type Finding, audit } from '../../ops/audit.ts';
import type { Platform } from './platform.ts';

const settleTimeoutMs = 20_000;
const againMs = 500;

/** Waits until events and sagas have come to rest and expects that no invariant is broken. */
export async function expectCleanAudit(platform: Pick<Platform, 'env'>): Promise<void> {
  const deadline = performance.now() + settleTimeoutMs;
  for (;;) {
    const broken = (await audit({ env: platform.env, graceSeconds: 0 })).filter(
      (finding: Finding) => finding.broken.length > 0,
    );
    if (broken.length === 0 || performance.now() > deadline) {
      expect(broken).toEqual([]);
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, againMs));
  }
}
