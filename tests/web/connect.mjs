// "Connect my health records", from the voice to the answer and back: a code aloud, the page, the organization's own sign-in
// in a real browser, the fetching from a real FHIR server, an answer with what came of it, and disconnecting.

import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { launch, until, visit } from './browser.mjs';
import { organization } from './organization.mjs';
import { passes } from './provider.mjs';
import { free, root, start } from './server.mjs';

const medicine = (text, value) => ({
  resourceType: 'MedicationRequest', status: 'active', intent: 'order', authoredOn: '2026-03-02',
  identifier: [{ system: 'https://mercy.example/rx', value }], medicationCodeableConcept: { text },
  dosageInstruction: [{ text: 'Take one tablet in the morning.' }],
});
const patient = (given, family, birthDate) => ({ resourceType: 'Patient', birthDate, name: [{ use: 'official', family, given: [given] }] });
const PEOPLE = {
  june: [
    patient('June', 'Whitlock', '1984-08-09'), medicine('levothyroxine 50 MCG Oral Tablet', '1'),
    { resourceType: 'AllergyIntolerance', code: { text: 'penicillin' } },
    {
      resourceType: 'Observation', status: 'final', category: [{ coding: [{ code: 'laboratory' }] }], code: { text: 'Ferritin' },
      effectiveDateTime: '2026-03-02T10:00:00Z', valueQuantity: { value: 42.0, unit: 'ng/mL' },
    },
    { resourceType: 'Condition', code: { text: 'hypothyroidism' } },
  ],
  stranger: [patient('Ada', 'Quill', '1970-01-01'), medicine('warfarin 5 MG Oral Tablet', '2')],
};

let server;
let browser;
let mercy;
let lake;
let folder;
let june;
let device;

before(async () => {
  const [port, a, b, ...ports] = [await free(), await free(), await free(), await free(), await free()];
  const url = `http://127.0.0.1:${port}`;
  mercy = await organization({ ports, redirect: `${url}/connect/back`, people: PEOPLE });
  // This one knows the program by its key alone.
  folder = mkdtempSync(join(tmpdir(), 'wellspoken-key-'));
  const key = join(folder, 'client.pem');
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  writeFileSync(key, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'first', use: 'sig', alg: 'ES384' };
  lake = await organization({ ports: [a, b], redirect: `${url}/connect/back`, people: { june: PEOPLE.june }, jwk });
  const section = `[connect]\npublic_url = "${url}"\n[[connect.organizations]]\nid = "mercy"\nname = "Mercy Hospital"\n`
    + `fhir = "${mercy.base}"\nclient_id = "wellspoken"\n`
    + `[[connect.organizations]]\nid = "lake"\nname = "Lake Clinic"\nfhir = "${lake.base}"\nclient_id = "wellspoken"\n`
    + `key = { key_file = "${key}", algorithm = "ES384", key_id = "first" }\n`;
  server = await start({ listen: `127.0.0.1:${port}`, section });
  june = (await server.run('import', join(root, 'demo/empty-chart.json'), '--consent', 'all')).trim().split('\n').at(-1);
  browser = await launch();
  device = await visit(browser, await server.link('--channel', 'home', '--room', 'kitchen', '--as', june));
  await until(device.page, 'ready');
});

after(async () => {
  await browser?.close();
  await mercy?.stop();
  await lake?.stop();
  await server?.stop();
  if (folder) rmSync(folder, { recursive: true });
});

let session;
const say = async (text) => {
  const body = JSON.stringify(session ? { text, session } : { text });
  const said = await device.page.evaluate((sent) => fetch('/v1/turns', {
    method: 'POST', headers: { 'Content-Type': 'application/json' }, body: sent,
  }).then((response) => response.json()), body);
  session = said.session;
  return said.reply;
};

const code = async () => {
  await say('connect my health records');
  const told = await say('yes');
  assert.match(told, new RegExp(`open ${new URL(server.url).host}/connect`));
  return /code: ([\d ,.]+)\./.exec(told)[1].replace(/\D/g, '');
};

/** A page that a code was typed into, ready to begin. */
async function paired() {
  const visited = await visit(browser, `${server.url}/connect`);
  await until(visited.page, 'locked');
  await visited.page.getByRole('textbox', { name: 'Code' }).fill(await code());
  await visited.page.getByRole('button', { name: 'Go on' }).click();
  await until(visited.page, 'ready');
  return visited;
}

const own = async () => visit(browser, (await server.link('--channel', 'chat', '--as', june)).replace('/#', '/me#'));
const told = (page, words) => page.waitForFunction((wanted) => new RegExp(wanted).test(document.querySelector('#records-said').textContent), words);

test('before, the answer is what is on record here', async () => {
  assert.match(await say('what medicines am I on'), /no medicines|don't see any/i);
});

test('a wrong code lets nobody begin', async () => {
  const { page, context } = await visit(browser, `${server.url}/connect`);
  await until(page, 'locked');
  await page.getByRole('textbox', { name: 'Code' }).fill('00000000');
  await page.getByRole('button', { name: 'Go on' }).click();
  await page.waitForFunction(() => /not a code I know/.test(document.querySelector('#code-said').textContent));
  assert.equal(await page.locator('#records').isVisible(), false);
  await context.close();
});

test('somebody else\'s records are refused, and nothing of them is kept', async () => {
  const { page, context } = await paired();
  await page.getByRole('button', { name: 'Connect Mercy Hospital', exact: true }).click();
  await passes(page, 'stranger');
  await page.waitForURL(`${server.url}/connect`);
  await told(page, 'under another name or date of birth');
  assert.equal(await page.locator('#records-connected li').count(), 0);
  assert.doesNotMatch(await say('what medicines am I on'), /warfarin/);
  assert.ok(mercy.log.includes('revocation'), 'what was given is given back');
  await context.close();
});

test('whoever says no there is told so, and the answer comes back once', async () => {
  const { page, context } = await paired();
  await page.getByRole('button', { name: 'Connect Mercy Hospital', exact: true }).click();
  const back = page.waitForRequest((request) => request.url().includes('/connect/back'));
  await page.locator('a', { hasText: /cancel/i }).click();
  const answered = (await back).url();
  await page.waitForURL(`${server.url}/connect`);
  await told(page, 'said no');
  await page.goto(answered);
  await page.waitForURL(`${server.url}/me`);
  assert.equal(await page.locator('#records-connected li').count(), 0);
  await context.close();
});

test('from the voice to an answer with what came of it', async () => {
  const { page, context } = await paired();
  // The organization's own page is the organization's affair.
  const wrong = [];
  page.on('console', (message) => { if (message.type() === 'error' && message.location().url.startsWith(server.url)) wrong.push(message.text()); });
  const reads = page.locator('#records-offered details').first();
  await reads.locator('summary').click();
  for (const words of ['your prescriptions', 'your allergies', 'your vaccinations']) assert.match(await reads.textContent(), new RegExp(words));
  await page.getByRole('button', { name: 'Connect Mercy Hospital', exact: true }).click();
  await page.waitForURL(`${mercy.issuer}/**`);
  await passes(page, 'june');
  await page.waitForURL(`${server.url}/connect`);
  await page.waitForSelector('#records-connected li[data-state="ready"]', { timeout: 30_000 });
  const shown = await page.locator('#records-connected').textContent();
  assert.match(shown, /Mercy Hospital: connected, last fetched/);
  assert.match(shown, /1 prescriptions/);
  assert.match(shown, /Condition|conditions/);
  assert.equal(await page.getByRole('button', { name: /Disconnect/ }).count(), 0, 'a code begins, and ends nothing');
  assert.match(await say('what medicines am I on'), /levothyroxine/i);
  assert.match(await say('what medicines am I on'), /Mercy Hospital/);
  assert.deepEqual(mercy.log.filter((line) => /error|aud /.test(line)), []);
  assert.deepEqual(mercy.log.filter((line) => /GET|\?/.test(line)), [], 'nobody\'s id stands in an address');
  assert.deepEqual(wrong, []);
  await context.close();
});

test('a person ends it on their own page, and what came of it is gone', async () => {
  const { page, context } = await own();
  await until(page, 'ready');
  assert.equal(await page.locator('dd[data-class="medicines"]').textContent(), '1');
  const before = mercy.log.filter((line) => line === 'revocation').length;
  await page.getByRole('button', { name: 'Disconnect Mercy Hospital' }).click();
  await page.getByRole('button', { name: /Yes, disconnect/ }).click();
  await told(page, 'is deleted');
  assert.ok(mercy.log.filter((line) => line === 'revocation').length > before, 'the organization is told');
  assert.doesNotMatch(await say('what medicines am I on'), /levothyroxine|Mercy/i);
  await page.reload();
  await until(page, 'ready');
  assert.equal(await page.locator('dd[data-class="medicines"]').textContent(), '0');
  assert.match(await page.locator('#access-rows').textContent(), /Records of another organization/);
  await context.close();
});

test('signed in, no code is needed; half of what breaks off midway is not used', async () => {
  const { page, context } = await own();
  await until(page, 'ready');
  mercy.down.after = 4;
  await page.getByRole('button', { name: 'Connect Mercy Hospital', exact: true }).click();
  await passes(page, 'june');
  await page.waitForURL(`${server.url}/me`);
  await page.waitForSelector('#records-connected li[data-state="importing"]');
  assert.doesNotMatch(await say('what medicines am I on'), /levothyroxine/i, 'half of it is not used');
  await context.close();
});

test('an organization that knows the program by its key alone', async () => {
  const { page, context } = await own();
  await until(page, 'ready');
  await page.getByRole('button', { name: 'Connect Lake Clinic', exact: true }).click();
  await passes(page, 'june');
  await page.waitForURL(`${server.url}/me`);
  await page.waitForSelector('#records-connected li[data-state="ready"]', { timeout: 30_000 });
  assert.ok(lake.log.includes('authorization_code'), 'it took what the key signed');
  assert.match(await say('what medicines am I on'), /Lake Clinic/);
  await page.getByRole('button', { name: 'Disconnect Lake Clinic' }).click();
  await page.getByRole('button', { name: /Yes, disconnect/ }).click();
  await told(page, 'is deleted');
  assert.ok(lake.log.includes('revocation'), 'signed as well');
  assert.deepEqual(lake.log.filter((line) => /error/.test(line)), []);
  await context.close();
});

test('nothing of it is in the log', () => {
  const log = server.log();
  assert.match(log, /"route":"\/connect\/back"/);
  for (const word of ['levothyroxine', 'Whitlock', 'code=', 'state=', 'Mercy', 'Lake Clinic', 'client_assertion', 'access_token']) assert.equal(log.includes(word), false, word);
});
