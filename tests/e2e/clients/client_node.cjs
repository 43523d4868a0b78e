// @kubernetes/client-node on the cluster of KUBECONFIG, in the namespace NAMESPACE; GROUP serves CronTabs. node:test runs it.
'use strict';

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const { PassThrough, Readable } = require('node:stream');
const { text } = require('node:stream/consumers');
const k8s = require('@kubernetes/client-node');

const { NAMESPACE: namespace, GROUP: group } = process.env;
const IMAGE = 'podlab.local/hello:1.0';
const WITHIN_MS = 30_000;

const config = new k8s.KubeConfig();
config.loadFromDefault();
const core = config.makeApiClient(k8s.CoreV1Api);
const custom = config.makeApiClient(k8s.CustomObjectsApi);
const objects = k8s.KubernetesObjectApi.makeApiClient(config);

const PODS = `/api/v1/namespaces/${namespace}/pods`;
const crontabs = { group, version: 'v1', namespace, plural: 'crontabs' };

function pod(name) {
  const container = { name: 'main', image: IMAGE, ports: [{ containerPort: 8080 }] };
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace }, spec: { containers: [container], terminationGracePeriodSeconds: 0 } };
}

function crontab(name, spec) {
  return { apiVersion: `${group}/v1`, kind: 'CronTab', metadata: { name, namespace }, spec };
}

/** What `begin(resolve, reject)` finds; fails naming it when the time is up. */
async function within(what, begin) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${WITHIN_MS} ms: ${what}`)), WITHIN_MS);
  });
  try {
    return await Promise.race([new Promise(begin), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** All events of the path until one makes `enough` true. */
async function watched(path, enough) {
  const seen = [];
  let ended;
  await within(`a watch of ${path} sees enough`, async (resolve, reject) => {
    const take = (type, object) => {
      seen.push([type, object]);
      if (enough(type, object)) resolve();
    };
    ended = await new k8s.Watch(config).watch(path, { allowWatchBookmarks: true }, take, reject).catch(reject);
  });
  ended.abort();
  return seen;
}

before(async () => {
  await core.createNamespacedPod({ namespace, body: pod('box') });
  await watched(PODS, (_, each) => each.metadata.name === 'box' && each.status.phase === 'Running');
});

after(() => core.deleteNamespacedPod({ namespace, name: 'box' }));

test('a watch tells what becomes of a pod', async () => {
  const watch = watched(PODS, (type, each) => type === 'DELETED' && each.metadata.name === 'short');
  await core.createNamespacedPod({ namespace, body: pod('short') });
  await core.deleteNamespacedPod({ namespace, name: 'short', gracePeriodSeconds: 0 });
  const types = (await watch).filter(([, each]) => each.metadata.name === 'short').map(([type]) => type);
  assert.equal(types[0], 'ADDED');
  assert.equal(types.at(-1), 'DELETED');
});

test('an informer keeps what there is, and hears of changes', async () => {
  const list = () => core.listNamespacedConfigMap({ namespace, labelSelector: 'kept=yes' });
  const informer = k8s.makeInformer(config, `/api/v1/namespaces/${namespace}/configmaps`, list, 'kept=yes');
  const heard = (verb, name) =>
    within(`${verb} of ${name}`, (resolve) => informer.on(verb, (each) => each.metadata.name === name && resolve(each)));
  const kept = (name, data) => ({ metadata: { name, labels: { kept: 'yes' } }, data });
  await core.createNamespacedConfigMap({ namespace, body: kept('one', { a: '1' }) });
  const [one] = await Promise.all([heard('add', 'one'), informer.start()]);
  assert.deepEqual(one.data, { a: '1' });
  const added = heard('add', 'two');
  await core.createNamespacedConfigMap({ namespace, body: kept('two', {}) });
  await added;
  const updated = heard('update', 'one');
  await core.replaceNamespacedConfigMap({ namespace, name: 'one', body: kept('one', { a: '2' }) });
  assert.deepEqual((await updated).data, { a: '2' });
  const deleted = heard('delete', 'two');
  await core.deleteNamespacedConfigMap({ namespace, name: 'two' });
  await deleted;
  assert.deepEqual(informer.list(namespace).map((each) => each.metadata.name), ['one']);
  await informer.stop();
});

test('a command is run in a pod, with input, output and exit code', async () => {
  const [out, err] = [new PassThrough(), new PassThrough()];
  const status = await within('the command ends', (resolve, reject) => {
    const words = ['sh', '-c', 'read x; echo got $x; echo oh >&2; exit 7'];
    new k8s.Exec(config).exec(namespace, 'box', 'main', words, out, err, Readable.from(['this\n']), false, resolve).catch(reject);
  });
  out.end();
  err.end();
  assert.deepEqual([await text(out), await text(err)], ['got this\n', 'oh\n']);
  assert.equal(status.details.causes.find((cause) => cause.reason === 'ExitCode').message, '7');
});

test('a log is read', async () => {
  const out = new PassThrough();
  await new k8s.Log(config).log(namespace, 'box', 'main', out, { tailLines: 1 });
  assert.match(await text(out), /listening on port 8080/);
});

test('a port of a pod is reached', async () => {
  const [out, err, input] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const socket = await new k8s.PortForward(config).portForward(namespace, 'box', [8080], out, err, input);
  const answer = within('the pod answers', (resolve) => {
    let said = '';
    out.on('data', (chunk) => { said += chunk; if (said.includes('version 1.0')) resolve(said); });
  });
  input.write('GET / HTTP/1.1\r\nHost: box\r\nConnection: close\r\n\r\n');
  assert.match(await answer, /^HTTP\/1.1 200 OK/);
  socket.close();
});

test('configurations are applied on the server, and managers meet', async () => {
  const wanted = (value) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'applied', namespace }, data: { a: value } });
  const apply = (value, manager, force) =>
    objects.patch(wanted(value), undefined, undefined, manager, force, k8s.PatchStrategy.ServerSideApply);
  await apply('1', 'first');
  await assert.rejects(apply('2', 'second'), (error) => error.code === 409 && error.body.includes('conflict with \\"first\\"'));
  const taken = await apply('2', 'second', true);
  assert.deepEqual(taken.metadata.managedFields.map((each) => [each.manager, each.operation]), [['second', 'Apply']]);
});

test('custom objects are created, listed, watched, patched and deleted', async () => {
  const path = `/apis/${group}/v1/namespaces/${namespace}/crontabs`;
  const watch = watched(path, (type) => type === 'DELETED');
  const made = await custom.createNamespacedCustomObject({ ...crontabs, body: crontab('nightly', { cron: '0 3 * * *' }) });
  assert.equal(made.spec.replicas, 2);
  const merge = k8s.setHeaderOptions('Content-Type', k8s.PatchStrategy.MergePatch);
  const nightly = { ...crontabs, name: 'nightly' };
  const patched = await custom.patchNamespacedCustomObject({ ...nightly, body: { spec: { replicas: 3 } } }, merge);
  assert.deepEqual([patched.spec.replicas, patched.metadata.generation], [3, 2]);
  const told = await custom.patchNamespacedCustomObjectStatus({ ...nightly, body: { status: { last: 'today' } } }, merge);
  assert.deepEqual([told.status, told.metadata.generation], [{ last: 'today' }, 2]);
  const scaled = await custom.patchNamespacedCustomObjectScale({ ...nightly, body: { spec: { replicas: 4 } } }, merge);
  assert.equal(scaled.spec.replicas, 4);
  const listed = await custom.listNamespacedCustomObject(crontabs);
  assert.deepEqual(listed.items.map((each) => each.spec.replicas), [4]);
  await custom.deleteNamespacedCustomObject(nightly);
  assert.deepEqual((await watch).map(([type]) => type), ['ADDED', 'MODIFIED', 'MODIFIED', 'MODIFIED', 'DELETED']);
  await assert.rejects(custom.getNamespacedCustomObject(nightly), (error) => error.code === 404);
});

test('the client of all kinds finds them by discovery', async () => {
  const hourly = await objects.create(crontab('hourly', { cron: '0 * * * *' }));
  const applied = crontab('hourly', { replicas: 5 });
  const changed = await objects.patch(applied, undefined, undefined, 'node', true, k8s.PatchStrategy.ServerSideApply);
  assert.deepEqual([hourly.spec.replicas, changed.spec.replicas], [2, 5]);
  assert.equal((await objects.list(`${group}/v1`, 'CronTab', namespace)).items.length, 1);
  await objects.delete(changed);
});

test('what nodes and pods use', async () => {
  const nodes = await new k8s.Metrics(config).getNodeMetrics();
  assert.deepEqual(nodes.items.map((each) => each.metadata.name).sort(), ['n1', 'n2']);
});
