import sequencer from '@jest/test-sequencer';

// Its types are those of its CommonJS form, where the class is a property.
const Sequencer = /** @type {typeof sequencer.default} */ (/** @type {unknown} */ (sequencer));

/** Suites that measure seconds, and beside them suites that wait more than they work: those are starved by browsers and kills. */
const first = [
  'faults/matrix/matrix.e2e',
  'payment/providers/stripe.int',
  'payment/webhook-orders.int',
  'payment/captures.int',
  'shared/jobs/jobs.int',
  'shared/jobs/jobs-mongodb.int',
  'payment/providers/stripe-own-doings.int',
  'payment/providers/alipay.int',
  'payment/providers/wechat-pay.int',
  'shared/database/silent-connections.int',
  'shared/events/events.int',
  'payment/providers/simulated.int',
  'payment/mixed-payment.int',
  'user/webhooks/outage.int',
];

/**
 * Then those that take longest, slowest first. Jest knows how long a suite took only where it ran before, and a fresh clone
 * would start some of these last, with the other workers idle.
 */
const slowest = [
  ...first,
  'browser/storefront.e2e',
  'faults/after-sale-kill.e2e',
  'faults/wallet-kill.e2e',
  'browser/staff.e2e',
  'ops/watch.e2e',
  'ops/start.e2e',
  'ops/torture.e2e',
  'own-subgraph/own-subgraph.e2e',
  'faults/race.e2e',
  'payment/kill.e2e',
  'faults/redis-away.e2e',
  'e2e/privacy/privacy.e2e',
  'ops/servers.int',
  // On two threads: behind those that measure seconds.
  'simulation/simulation.int',
];

/** How soon a suite of this path starts: 0 first. @param {string} path */
const rank = (path) => {
  const index = slowest.findIndex((part) => path.includes(part));
  return index < 0 ? slowest.length : index;
};

export default class SlowestFirst extends Sequencer {
  /** @override @param {Parameters<InstanceType<typeof Sequencer>['sort']>[0]} tests */
  async sort(tests) {
    // eslint-disable-next-line unicorn/no-array-sort -- Jest's order of the suites, not an array's
    const sorted = await super.sort(tests);
    return sorted.toSorted((left, right) => rank(left.path) - rank(right.path));
  }
}
