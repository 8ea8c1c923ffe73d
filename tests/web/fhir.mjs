// What is given out as FHIR is valid by two validators: a person's copy of everything, the audit trail, the demo people.
// Run: npm --prefix tests/web test

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { join } from 'node:path';

import { faults, resources } from './validate.mjs';
import { root, start } from './server.mjs';

const DEMO = ['rosa-delgado.json', 'milo-tran.json', 'empty-chart.json', 'canary.json'];

let server;

before(async () => {
  server = await start();
});

after(async () => {
  await server?.stop();
});

/** Asks as a page does, with its cookie. */
async function asking(link) {
  const { origin, hash } = new URL(link);
  const headers = { 'Content-Type': 'application/json', Origin: origin };
  const opened = await fetch(`${origin}/v1/session`, { method: 'POST', headers, body: JSON.stringify({ link: hash.slice(1) }) });
  assert.ok(opened.ok, `the link opens a session: ${opened.status} ${await opened.clone().text()}`);
  const cookie = opened.headers.getSetCookie().map((set) => set.split(';')[0]).join('; ');
  return (path, body) => fetch(`${origin}${path}`, {
    method: 'POST', headers: { ...headers, Cookie: cookie }, body: body && JSON.stringify(body),
  });
}

test('each validator finds what is wrong', () => {
  const good = { resourceType: 'Observation', status: 'final', code: { text: 'x' }, valueString: 'a' };
  const without = (field) => Object.fromEntries(Object.entries(good).filter(([name]) => name !== field));
  assert.deepEqual(faults(good), []);
  for (const [by, wrong] of [
    ['medplum', { ...good, made: 'up' }],
    ['medplum', without('code')],
    ['medplum', { ...good, effectiveDateTime: '2026-13-45' }],
    ['fhir', { ...good, status: 'bogus' }],
    ['fhir', { ...good, made: 'up' }],
  ]) {
    assert.ok(faults(wrong).some((fault) => fault.startsWith(by)), `${by}: ${JSON.stringify(wrong)}`);
  }
  const bundle = { resourceType: 'Bundle', type: 'collection', entry: [{ resource: { ...good, status: 'bogus' } }] };
  assert.notDeepEqual(faults(bundle), [], 'in a bundle, too');
});

test('the demo people are valid', async () => {
  for (const file of DEMO) {
    assert.deepEqual(faults(JSON.parse(await readFile(join(root, 'demo', file), 'utf8'))), [], file);
  }
});

test('a copy of everything and the audit trail are valid', async () => {
  const person = (await server.run('import', join(root, 'demo/rosa-delgado.json'), '--anchor-today', '--consent', 'all')).trim();
  const ask = await asking(await server.link('--channel', 'chat', '--as', person));
  for (const text of ['renew my metformin', 'yes', 'book a visit with Dr. Patel', 'the first one', 'yes', 'when is my next visit', 'call the nurse', 'stop using my results', 'yes']) {
    const turn = await ask('/v1/turns', { text });
    assert.ok(turn.ok, `${text}: ${turn.status}`);
  }
  const copied = await ask('/v1/me/export');
  assert.ok(copied.ok, `${copied.status}`);
  const copy = await copied.json();
  const kinds = new Set(copy.entry.map(({ resource }) => resource.resourceType));
  for (const kind of ['Patient', 'MedicationRequest', 'Task', 'Communication', 'Consent', 'AuditEvent']) assert.ok(kinds.has(kind), kind);
  assert.deepEqual(faults(copy), []);
  const trail = resources(await server.run('audit', 'export'));
  assert.ok(trail.length > 10, `${trail.length} entries`);
  for (const entry of trail) assert.deepEqual(faults(entry), [], entry.id);
  const whole = resources(await server.run('audit', 'export', '--bundle'));
  assert.deepEqual(faults(whole[0]), []);
});
