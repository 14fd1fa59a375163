import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import { defaultStopGraceMs } from '../../subgraphs/shared/process/run-process.ts';
import { subgraphPorts } from '../../subgraphs/shared/calls/subgraph-urls.ts';

const root = resolve(import.meta.dirname, '../..');
const directory = join(root, 'ops/k8s');

type Labels = Record<string, string>;
type Container = {
  name: string;
  image: string;
  command?: string[];
  env?: { name: string; value?: string }[];
  envFrom?: { configMapRef?: { name: string }; secretRef?: { name: string } }[];
  ports?: { name: string; containerPort: number }[];
  resources?: object;
  securityContext?: object;
  lifecycle?: { preStop: { exec: { command: string[] } } };
} & Partial<Record<'startupProbe' | 'livenessProbe' | 'readinessProbe', { httpGet: { path: string; port: string } }>>;
type Template = {
  metadata: { labels: Labels };
  spec: { containers: Container[]; terminationGracePeriodSeconds?: number; automountServiceAccountToken?: boolean; securityContext?: object }; // prettier-ignore
};
type Manifest = {
  apiVersion: string;
  kind: string;
  metadata: { name: string };
  data?: Record<string, string>;
  spec: Record<string, unknown> & { template: Template };
};

const filesIn = (folder: string): string[] => readdirSync(join(directory, folder)).filter((name) => name.endsWith('.yaml')); // prettier-ignore
const read = (path: string): Manifest[] =>
  parseAllDocuments(readFileSync(join(directory, path), 'utf8')).map((document) => {
    expect([path, document.errors]).toEqual([path, []]);
    return document.toJS() as Manifest;
  });
const kustomization = (folder: string) =>
  read(`${folder}/kustomization.yaml`)[0] as unknown as {
    resources: string[];
    patches?: { path?: string }[];
    secretGenerator?: { name: string; envs?: string[]; files?: string[] }[];
  };
const manifestsOf = (folder: string): Manifest[] =>
  kustomization(folder).resources.filter((file) => file.endsWith('.yaml')).flatMap((file) => read(`${folder}/${file}`)); // prettier-ignore
const base = manifestsOf('base');
const development = manifestsOf('overlays/dev');
const production = manifestsOf('overlays/production');
const of = (kind: string, manifests = base): Manifest[] => manifests.filter((one) => one.kind === kind);
const named = (kind: string, name: string): Manifest =>
  [...base, ...development, ...production].find((one) => one.kind === kind && one.metadata.name === name) as Manifest;

const services = ['user', 'product', 'order', 'payment', 'worker', 'gateway'];
const ports: Record<string, number> = { ...subgraphPorts, worker: 4105, gateway: 4000, 'simulated-provider': 4106 };
/** Of ours: the image's, with its processes. */
const ours = [...base, ...development].filter(({ spec }) => spec?.template?.spec.containers[0]?.image === 'order-platform'); // prettier-ignore
const containerOf = ({ spec }: Manifest): Container => spec.template.spec.containers[0] as Container;
const matches = (
  labels: Labels,
  selector: { matchLabels?: Labels; matchExpressions?: { key: string; values: string[] }[] },
): boolean =>
  // prettier-ignore
  Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value) &&
  (selector.matchExpressions ?? []).every(({ key, values }) => values.includes(labels[key] ?? ''));

describe('ops/k8s', () => {
  test('each file is part of its kustomization, and each that is named is there', () => {
    for (const folder of ['base', 'overlays/dev', 'overlays/production']) {
      const { resources, patches = [] } = kustomization(folder);
      const listed = [...resources, ...patches.flatMap(({ path }) => path ?? [])];
      expect([folder, listed.filter((path) => !existsSync(join(directory, folder, path)))]).toEqual([folder, []]);
      expect([folder, filesIn(folder).filter((name) => name !== 'kustomization.yaml' && !listed.includes(name))]).toEqual([folder, []]); // prettier-ignore
    }
  });

  test('[OP-2] runs every process, with a service, an autoscaler and a budget for disruptions, and the set-up as a job', () => {
    for (const kind of ['Deployment', 'Service', 'HorizontalPodAutoscaler', 'PodDisruptionBudget'])
      expect([kind, of(kind).map(({ metadata }) => metadata.name).toSorted()]).toEqual([kind, services.toSorted()]); // prettier-ignore
    expect(of('Job').map(({ metadata }) => metadata.name)).toEqual(['setup']);
    for (const name of services) {
      const { labels } = named('Deployment', name).spec.template.metadata;
      const selectors = [
        { matchLabels: named('Service', name).spec['selector'] as Labels },
        named('Deployment', name).spec['selector'] as { matchLabels: Labels },
        named('PodDisruptionBudget', name).spec['selector'] as { matchLabels: Labels },
      ];
      for (const selector of selectors) {
        expect(matches(labels, selector)).toBe(true);
        const others = services.filter((one) => one !== name).map((one) => named('Deployment', one).spec.template.metadata.labels); // prettier-ignore
        expect(others.filter((one) => matches(one, selector))).toEqual([]);
      }
      expect(named('HorizontalPodAutoscaler', name).spec['scaleTargetRef']).toMatchObject({ kind: 'Deployment', name });
    }
  });

  test('[OP-2] each process runs its own file without rights, and is asked at paths and ports that it has', () => {
    expect(ours).toHaveLength(services.length + 2);
    for (const manifest of ours) {
      const { name } = manifest.metadata;
      const container = containerOf(manifest);
      const [program, file = ''] = container.command ?? [];
      expect([name, program, existsSync(join(root, file))]).toEqual([name, 'node', true]);
      expect(container).toMatchObject({
        resources: { requests: { cpu: expect.any(String), memory: expect.any(String) }, limits: { memory: expect.any(String) } }, // prettier-ignore
        securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } }, // prettier-ignore
      });
      expect(manifest.spec.template.spec).toMatchObject({
        automountServiceAccountToken: false,
        securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
      });
      if (name === 'setup') continue;
      expect([name, container.ports]).toEqual([name, [{ name: 'http', containerPort: ports[name] }, { name: 'metrics', containerPort: 9464 }]]); // prettier-ignore
      expect(container.startupProbe?.httpGet).toEqual({ path: '/health/live', port: 'http' });
      expect(container.livenessProbe?.httpGet).toEqual({ path: '/health/live', port: 'http' });
      expect(container.readinessProbe?.httpGet).toEqual({ path: '/health/ready', port: 'http' });
      const { ports: served } = named('Service', name).spec as unknown as { ports: { port: number; targetPort: string }[] }; // prettier-ignore
      expect(served.map(({ port, targetPort }) => [port, targetPort])).toEqual([[ports[name], 'http'], [9464, 'metrics']]); // prettier-ignore
    }
    const paths = readFileSync(join(root, 'subgraphs/shared/http/operations.ts'), 'utf8');
    for (const path of ['/health/live', '/health/ready']) expect(paths).toContain(`'${path}'`);
  });

  test('a process that is told to end has the time that it takes', () => {
    for (const manifest of ours.filter(({ kind }) => kind === 'Deployment')) {
      const container = containerOf(manifest);
      const hookSeconds = Number(container.lifecycle?.preStop.exec.command[1] ?? 0);
      const drainMs = Number(container.env?.find(({ name }) => name === 'DRAIN_DELAY_MS')?.value ?? 0);
      // Each looks away first: by a hook, the gateway by its own delay, which is a part of its stop.
      expect(hookSeconds + drainMs / 1_000).toBe(5);
      const graceMs = Number(manifest.spec.template.spec.terminationGracePeriodSeconds) * 1_000;
      expect(graceMs).toBeGreaterThan(hookSeconds * 1_000 + defaultStopGraceMs);
      expect(drainMs).toBeLessThan(defaultStopGraceMs);
    }
  });

  test('every setting is a variable of docs/configuration.md, and every secret has a place where it comes from', () => {
    const documented = new Set(
      [...readFileSync(join(root, 'docs/configuration.md'), 'utf8').matchAll(/`([A-Z][A-Z0-9_]+)`/g)].map(([, name]) => name), // prettier-ignore
    );
    const settings = [...base, ...read('overlays/dev/settings.yaml'), ...read('overlays/production/settings.yaml')];
    const given = [
      ...settings.flatMap(({ data = {} }) => Object.keys(data)),
      ...ours.flatMap((manifest) => containerOf(manifest).env?.map(({ name }) => name) ?? []),
    ];
    expect(given.filter((name) => !documented.has(name))).toEqual([]);
    const data = named('ConfigMap', 'settings').data ?? {};
    for (const [name, port] of Object.entries(subgraphPorts)) expect(data[`${name.toUpperCase()}_URL`]).toBe(`http://${name}:${port}`); // prettier-ignore
    // Each process has the shared settings and its own secrets: in production by reference, in development from secrets.mjs.
    const external = of('ExternalSecret', production).map(({ metadata }) => metadata.name);
    const generated = kustomization('overlays/dev').secretGenerator ?? [];
    const compose = readFileSync(join(root, 'ops/docker/secrets.mjs'), 'utf8');
    for (const manifest of ours) {
      const { name } = manifest.metadata;
      const secret = `${name}-secrets`;
      expect(containerOf(manifest).envFrom).toEqual([{ configMapRef: { name: 'settings' } }, { secretRef: { name: secret } }]); // prettier-ignore
      expect([name, external.includes(secret)]).toEqual([name, name !== 'simulated-provider']);
      expect(generated).toContainEqual({ name: secret, envs: [`secrets/${name}/env`] });
      expect(compose).toMatch(new RegExp(`^    '?${name}'?: \\{`, 'm'));
    }
  });

  test('[OP-2] the gateway reaches no database, and nothing reaches what it does not work with', () => {
    const policies = of('NetworkPolicy');
    type Rule = { to?: object[]; ports: { port: number }[] };
    const portsTo = (name: string): number[] => {
      const { labels } = named(name === 'setup' ? 'Job' : 'Deployment', name).spec.template.metadata;
      return policies
        .filter(({ spec }) => matches(labels, spec['podSelector'] as object))
        .flatMap(({ spec }) => ((spec['egress'] as Rule[] | undefined) ?? []).flatMap((rule) => rule.ports))
        .map(({ port }) => port)
        .filter((port) => port !== 53)
        .toSorted((one, other) => one - other);
    };
    const traces = 4318;
    const calls = [4101, 4102, 4103, 4104];
    const stores = [3306, ...calls, traces, 6379, 27017].toSorted((one, other) => one - other);
    expect(portsTo('gateway')).toEqual([...calls, traces, 6379, 27017]);
    for (const name of ['user', 'product', 'order']) expect([name, portsTo(name)]).toEqual([name, stores]);
    for (const name of ['payment', 'worker']) expect([name, portsTo(name)]).toEqual([name, [443, ...stores]]);
    expect(portsTo('setup')).toEqual([3306, traces, 6379, 27017]);
    const [first] = policies;
    // Whatever no other policy allows is refused.
    expect(first?.spec).toMatchObject({
      podSelector: { matchLabels: { 'app.kubernetes.io/part-of': 'order-platform' } },
      policyTypes: ['Ingress', 'Egress'],
    });
    for (const manifest of ours) expect(manifest.spec.template.metadata.labels['app.kubernetes.io/part-of']).toBe('order-platform'); // prettier-ignore
  });

  test('what is public leads to the gateway, without a limit of time for sockets; metrics are those of every process', () => {
    const route = named('HTTPRoute', 'order-platform');
    const { rules } = route.spec as unknown as { rules: object[] };
    expect(rules).toEqual([
      expect.objectContaining({
        timeouts: { request: '0s', backendRequest: '0s' },
        backendRefs: [{ name: 'gateway', port: 4000 }],
      }),
    ]);
    const monitor = named('ServiceMonitor', 'order-platform');
    const { selector, endpoints } = monitor.spec as unknown as { selector: object; endpoints: { port: string; path: string }[] }; // prettier-ignore
    expect(endpoints).toEqual([expect.objectContaining({ port: 'metrics', path: '/metrics' })]);
    for (const one of of('Service')) expect(matches((one.metadata as unknown as { labels: Labels }).labels, selector)).toBe(true); // prettier-ignore
    // The metric that the gateway's autoscaler looks at in production is one of its own.
    const [scaler] = read('overlays/production/sockets.yaml');
    const metrics = readFileSync(join(root, 'subgraphs/shared/process/telemetry.ts'), 'utf8');
    for (const [, name] of JSON.stringify(scaler).matchAll(/"metric":\{"name":"(\w+)"/g)) expect(metrics).toContain(`name: '${name}'`); // prettier-ignore
  });
});
