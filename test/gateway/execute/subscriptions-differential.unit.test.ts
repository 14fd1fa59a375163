import assert from 'node:assert/strict';
import { describe, expect, test } from '@jest/globals';
import type { ExecutionResult } from 'graphql';
import { assertExplained, explainedNulls, isValid, runOurs } from './support/compare.ts';
import { type Federation, type Request, type SubgraphSdl, federate } from './support/federation.ts';
import { worldFault } from './support/faults.ts';
import { randomOperation } from './support/random-operation.ts';
import { sizes, supergraphs } from './support/supergraphs.ts';

/** Operations a supergraph, half of them while fields throw. */
const operations = 30;
const maxTries = 3_000;
const maxSize = 24;

/** The supergraph with a subscription of the same name for every field of the first subgraph's Query. */
function withSubscriptions(subgraphs: readonly SubgraphSdl[]): readonly SubgraphSdl[] {
  const [first, ...others] = subgraphs;
  assert.ok(first);
  const fields = /type Query \{([^}]*)\}/.exec(first.sdl)?.[1]?.replaceAll(/settings:[^@]*@shareable/g, '');
  assert.ok(fields);
  return [{ ...first, sdl: `${first.sdl}\ntype Subscription {${fields}}` }, ...others];
}

/** The owner's event, completed by both back ends, which must agree to the last byte; null for what nobody can plan or follow. */
async function eventOf(federation: Federation, { query, variables }: Request): Promise<ExecutionResult | null> {
  const results: ExecutionResult[] = [];
  for (const [arrival, executor] of [federation.executors.closures, federation.executors.generated].entries()) {
    const compiled = executor.compile({ query });
    let primary: ReturnType<typeof compiled.subscription>;
    try {
      primary = compiled.subscription(variables);
    } catch (error) {
      const { code } = (error as { extensions?: { code?: string } }).extensions ?? {};
      if (code === 'PLANNING_FAILED' || code === 'BAD_USER_INPUT') return null;
      throw error;
    }
    const event = await federation.ask(primary.serviceName, primary.query, primary.variables);
    const before = JSON.stringify(event);
    results.push(await executor.executeEvent(compiled, event, { variables, context: arrival }));
    assert.equal(JSON.stringify(event), before, 'the event was changed');
  }
  const [closures, generated] = results;
  assert.ok(closures);
  assert.equal(JSON.stringify(generated), JSON.stringify(closures));
  return closures;
}

/** A condition with a variable at the root of a subscription lets graphql-js's validation throw; the gateway refuses it. */
function canBeSent(federation: Federation, request: Request): boolean {
  try {
    return isValid(federation, request);
  } catch {
    return false;
  }
}

const { platform, ...awkward } = supergraphs;

describe.each(Object.entries(awkward))('an event in the supergraph %s', (name, subgraphs) => {
  const extended = withSubscriptions(subgraphs);
  const federation = federate(name, extended, sizes[name]);

  test(`is the answer of the same selection as a query, for ${operations} random selections`, async () => {
    const counts = { same: 0, withErrors: 0, spanning: 0, unplannable: 0 };
    for (let seed = 1; counts.same < operations && seed < maxTries; seed += 1) {
      const request = randomOperation(federation.api, { seed, size: 3 + (seed % maxSize), kind: 'subscription' });
      if (!canBeSent(federation, request)) continue;
      federation.world.setFault(seed % 2 === 0 ? worldFault(extended, seed) : null);
      federation.requests();
      try {
        const event = await eventOf(federation, request);
        if (!event) {
          counts.unplannable += 1;
          continue;
        }
        if (federation.requests().length > 2) counts.spanning += 1;
        const asQuery = {
          ...request,
          query: request.query.replace(/^subscription/, 'query').replaceAll('on Subscription', 'on Query'),
        };
        const answer = await runOurs(federation, asQuery);
        const expected = await federation.unfederated(asQuery);
        // An interface object is asked for the fields of all types: see the test of `plan-asks-too-much`.
        if (name === 'interfaceObjects') assertExplained(event, expected.data);
        else assert.equal(JSON.stringify(event.data), JSON.stringify(expected.data));
        assert.equal(JSON.stringify(event.data), JSON.stringify(answer.data));
        assert.deepEqual(explainedNulls(event), explainedNulls(answer));
        counts.same += 1;
        if (event.errors) counts.withErrors += 1;
      } catch (error) {
        throw new Error(`seed ${seed}: ${request.query}\n${JSON.stringify(request.variables)}`, { cause: error });
      }
    }
    expect(counts.same).toBe(operations);
    // They are worth comparing: errors were among them, and events that needed other subgraphs.
    expect(counts.withErrors).toBeGreaterThan(0);
    expect(counts.spanning).toBeGreaterThan(0);
    expect(counts.unplannable).toBeLessThan(operations / 5);
  }, 60_000);
});

test(`an event of this platform is what graphql-js makes of it, for ${operations} random selections`, async () => {
  const federation = federate('platform', platform);
  let same = 0;
  for (let seed = 1; same < operations && seed < maxTries; seed += 1) {
    const request = randomOperation(federation.api, { seed, size: 3 + (seed % maxSize), kind: 'subscription' });
    if (!canBeSent(federation, request)) continue;
    const event = await eventOf(federation, request);
    if (!event) continue;
    const expected = await federation.unfederated(request);
    assert.equal(JSON.stringify(event.data), JSON.stringify(expected.data), request.query);
    assert.deepEqual(explainedNulls(event), explainedNulls(expected));
    same += 1;
  }
  expect(same).toBe(operations);
}, 60_000);
