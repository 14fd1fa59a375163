import { readFileSync, readdirSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { parse } from 'yaml';

const ops = new URL('../../ops/', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, ops), 'utf8');

type Rule = { alert: string; expr: string; for: string; labels: { severity: string }; annotations: { summary: string; runbook: string } }; // prettier-ignore
const rules = (parse(read('docker/prometheus/rules.yml')) as { groups: { rules: Rule[] }[] }).groups.flatMap((group) => group.rules); // prettier-ignore
type Case = { name: string; alert_rule_test: { alertname: string; exp_alerts?: unknown[] }[] };
const cases = (parse(read('docker/prometheus/rules.test.yml')) as { tests: Case[] }).tests;

test('[OP-1] each alert has a runbook of its name, and each runbook an alert', () => {
  const names = rules.map(({ alert }) => alert);
  expect(new Set(names).size).toBe(names.length);
  expect(readdirSync(new URL('runbooks/', ops)).toSorted()).toEqual(names.map((name) => `${name}.md`).toSorted());
  for (const { alert, annotations, labels } of rules) {
    expect(annotations.runbook).toBe(`ops/runbooks/${alert}.md`);
    expect(['critical', 'warning']).toContain(labels.severity);
    const runbook = read(`runbooks/${alert}.md`);
    expect(runbook.startsWith(`# ${alert}\n`)).toBe(true);
    for (const part of ['## Look at', '## Do']) expect(runbook).toContain(`\n${part}\n\n- `);
  }
});

test('each alert is tried by promtool silent and firing', () => {
  for (const { alert } of rules) {
    const tried = cases.filter(({ name }) => name === alert).flatMap((one) => one.alert_rule_test);
    expect(tried.every(({ alertname }) => alertname === alert)).toBe(true);
    expect([alert, tried.some(({ exp_alerts: fired = [] }) => fired.length === 0)]).toEqual([alert, true]);
    expect([alert, tried.some(({ exp_alerts: fired = [] }) => fired.length > 0)]).toEqual([alert, true]);
  }
});
