// A person's own page in a real browser, in front of the real server: what is kept, who looked, agreements, deleting, a
// copy. Run: npm --prefix tests/web test

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { join } from 'node:path';

import { launch, until, visit } from './browser.mjs';
import { root, start } from './server.mjs';

let server;
let browser;

before(async () => {
  server = await start();
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

/** The demo person's own page; each link works once. */
async function own(options) {
  person = (await server.run('import', join(root, 'demo/rosa-delgado.json'), '--anchor-today')).trim();
  const link = await server.link('--channel', 'chat', '--as', person);
  return visit(browser, link.replace('/#', '/me#'), options);
}

async function spotless({ seen }) {
  assert.deepEqual(seen.errors, [], 'errors in the console');
  assert.deepEqual([...seen.hosts], [new URL(server.url).host], 'the page talks to its own server alone');
}

const asked = (page, words) => page.evaluate((text) => fetch('/v1/turns', {
  method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ text }),
}).then((response) => response.json()), words);

let signed;
let person;

test('a one-time link opens it, leaves no trace, and it shows counts and no contents', async () => {
  signed = await own();
  const { page, context } = signed;
  await until(page, 'ready');
  assert.equal(page.url(), `${server.url}/me`, 'the secret has left the address bar');
  assert.equal(await page.evaluate(() => document.cookie), '');
  assert.deepEqual(await page.evaluate(() => [localStorage.length, sessionStorage.length]), [0, 0]);
  assert.match(await page.locator('#whose').textContent(), /Rosa/);
  assert.equal(await page.locator('dd[data-class="medicines"]').textContent(), '6');
  assert.match(await page.locator('#kept-checked').textContent(), /has not been checked/);
  assert.doesNotMatch(await page.locator('main').textContent(), /lisinopril|metformin/);
  await spotless(signed);
  assert.equal((await context.cookies())[0].sameSite, 'Strict');
});

test('who looked is a table; what was not through own devices can be shown alone', async () => {
  const { page } = signed;
  const rows = page.locator('#access-rows tr');
  const all = await rows.count();
  assert.ok(all >= 3, `${all} rows`);
  await page.getByLabel('Only what was not through my own devices and pages').check();
  const others = await rows.count();
  assert.ok(others >= 1 && others < all, `${others} of ${all}`);
  assert.match(await rows.last().textContent(), /Records came in/);
  await page.getByLabel('Only what was not through my own devices and pages').uncheck();
});

test('agreements are ticked one by one, saved, kept as versions, and count at once', async () => {
  const { page } = signed;
  const improve = page.getByLabel(/Count what I say/);
  assert.equal(await improve.isChecked(), false, 'nobody agreed to that');
  await improve.check();
  await page.getByLabel('Use my medicines to answer me').uncheck();
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.waitForFunction(() => document.querySelector('#consent-said').textContent !== '');
  assert.match(await page.locator('#consent-said').textContent(), /Saved/);
  assert.equal(await page.locator('#consent-versions li').count(), 2);
  assert.equal((await asked(page, 'what medicines am I on')).state, 'asks');
});

test('what was changed elsewhere meanwhile is not overwritten', async () => {
  const { page } = signed;
  const turn = await asked(page, 'you can use my medicines');
  await page.evaluate((session) => fetch('/v1/turns', {
    method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ text: 'yes', session }),
  }), turn.session);
  await page.getByLabel(/Count what I say/).uncheck();
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.waitForFunction(() => /elsewhere/.test(document.querySelector('#consent-said').textContent));
  assert.equal(await page.getByLabel('Use my medicines to answer me').isChecked(), true, 'it shows what is there now');
  assert.equal(await page.getByLabel(/Count what I say/).isChecked(), true);
});

test('what was said is deleted only when it is said that it cannot be undone', async () => {
  const { page } = signed;
  await asked(page, 'what medicines am I on');
  await page.reload();
  await until(page, 'ready');
  const kept = page.locator('dd[data-class="answers"]');
  assert.notEqual(await kept.textContent(), '0');
  await page.getByLabel('What I said today').check();
  await page.getByRole('button', { name: 'Delete' }).click();
  assert.notEqual(await kept.textContent(), '0', 'the box was not ticked');
  await page.getByLabel('I know that this cannot be undone').check();
  await page.getByRole('button', { name: 'Delete' }).click();
  await page.waitForFunction(() => /Deleted/.test(document.querySelector('#forget-said').textContent));
  assert.equal(await kept.textContent(), '0');
});

test('a code is shown once, another one replaces it, and it tells a device who speaks', async () => {
  const { page } = signed;
  const shown = page.locator('#code-shown');
  const make = async () => {
    const before = await shown.textContent();
    await page.getByRole('button', { name: 'Make a code' }).click();
    await page.waitForFunction((was) => !['', was].includes(document.querySelector('#code-shown').textContent), before);
    return shown.textContent();
  };
  const [first, second] = [await make(), await make()];
  for (const code of [first, second]) assert.match(code, /^\d{4} \d{4}$/);
  assert.match(await page.locator('#code-said').textContent(), /works once/);
  const device = await visit(browser, await server.link('--channel', 'home', '--room', 'kitchen', '--as', person));
  await until(device.page, 'ready');
  assert.match((await asked(device.page, `my code is ${first}`)).reply, /isn't a code I know/, 'the one before it no longer works');
  assert.equal((await asked(device.page, `my code is ${second}`)).state, 'answered');
  await device.context.close();
  await page.reload();
  await until(page, 'ready');
  assert.equal(await shown.textContent(), '', 'it is kept nowhere');
  for (const code of [first, second]) assert.ok(!server.log().includes(code.replace(' ', '')), 'a code stands in the log');
});

test('a PIN is set with the one that is set, and never stays on the page', async () => {
  const { page } = signed;
  const said = page.locator('#pin-said');
  const set = async (current, wanted, again = wanted) => {
    await page.getByLabel('Your PIN now, if you have one').fill(current);
    await page.getByLabel('New PIN', { exact: true }).fill(wanted);
    await page.getByLabel('New PIN again').fill(again);
    await said.evaluate((e) => { e.textContent = ''; });
    await page.getByRole('button', { name: 'Set the PIN' }).click();
    await page.waitForFunction(() => document.querySelector('#pin-said').textContent !== '');
    const left = await page.evaluate(() => [...document.querySelectorAll('#pin input')].map((e) => e.value).join(''));
    assert.equal(left, '', 'the digits are gone from the form');
    return said.textContent();
  };
  assert.match(await set('', '1234'), /in their order/);
  assert.match(await set('', '407718', '407719'), /both times/);
  assert.match(await set('', '407718'), /Set\./);
  assert.match(await set('', '559231'), /not the PIN you have/);
  assert.match(await set('407718', '559231'), /Set\./);
  for (const digits of ['407718', '559231']) assert.ok(!server.log().includes(digits), 'a PIN stands in the log');
});

test('a copy is a file', async () => {
  const { page } = signed;
  const waiting = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Download' }).click();
  const file = await waiting;
  assert.equal(file.suggestedFilename(), 'my-data.json');
  const copy = JSON.parse(await readFile(await file.path(), 'utf8'));
  const kinds = new Set(copy.entry.map((entry) => entry.resource.resourceType));
  for (const kind of ['Patient', 'MedicationRequest', 'Consent', 'AuditEvent']) assert.ok(kinds.has(kind), kind);
  await page.waitForFunction(() => /downloads/.test(document.querySelector('#copy-said').textContent));
  await spotless({ seen: { ...signed.seen, errors: signed.seen.errors.filter((e) => !/40[039]/.test(e)) } });
});

test('everything has a name for a screen reader, and is reached from the keyboard', async () => {
  const { page } = signed;
  const tree = await page.locator('body').ariaSnapshot();
  for (const part of [
    'heading "Your data" [level=1]', 'region "What is kept"', 'region "Who looked"', 'region "What I may use"',
    'region "A code for a device"', 'region "Your PIN"', 'region "Delete what you said"', 'region "A copy for you"', 'table', 'main', 'banner', 'contentinfo', 'link "Talk"',
  ]) {
    assert.ok(tree.includes(part), `${part} is missing in:\n${tree}`);
  }
  const names = await page.evaluate(() => [...document.querySelectorAll('input, button')]
    .filter((e) => e.checkVisibility())
    .map((e) => e.ariaLabel ?? e.labels?.[0]?.textContent.trim() ?? e.textContent.trim()));
  assert.ok(names.length >= 10 && names.every((name) => name), names.join(' | '));
  await page.locator('header a').focus();
  for (let i = 0; i < 3; i += 1) {
    await page.keyboard.press('Tab');
    const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineWidth);
    assert.ok(parseFloat(outline) >= 3, `the focus shows: ${outline}`);
  }
  for (const width of [320, 390, 1024]) {
    await page.setViewportSize({ width, height: 800 });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(wide <= width, `${width}: the page is ${wide} wide`);
  }
});

test('text that somebody wrote is shown as text, never as markup', async () => {
  const { page } = signed;
  await page.route('**/v1/me/access', async (route) => {
    const told = await (await route.fetch()).json();
    told.entries[0].by = '<img src=x onerror="document.title=1">';
    await route.fulfill({ json: told });
  });
  await page.reload();
  await until(page, 'ready');
  assert.equal(await page.locator('#access-rows img').count(), 0);
  assert.match(await page.title(), /Your data/);
  await page.unroute('**/v1/me/access');
});

test('a device in a room, and whoever is not signed in, sees nothing', async () => {
  const room = await server.link('--channel', 'room', '--room', 'room-12');
  const { page, context } = await visit(browser, room.replace('/#', '/me#'));
  await until(page, 'locked');
  assert.match(await page.getByRole('alert').textContent(), /one person who signed in/);
  assert.equal(await page.locator('section:visible').count(), 0);
  await context.close();
  const nobody = await visit(browser, `${server.url}/me`);
  await until(nobody.page, 'locked');
  assert.match(await nobody.page.getByRole('alert').textContent(), /sign in/i);
  await nobody.context.close();
});

test('a page of somebody else can neither read nor delete', async () => {
  const [cookie] = await signed.context.cookies(server.url);
  for (const [method, path, body] of [
    ['GET', '/v1/me', undefined], ['PUT', '/v1/me/consent', '{}'], ['POST', '/v1/me/forget', '{"what":"everything"}'], ['POST', '/v1/me/export', '{}'],
  ]) {
    const refused = await fetch(`${server.url}${path}`, {
      method, body, headers: { 'Content-Type': 'application/json', Cookie: `${cookie.name}=${cookie.value}`, Origin: 'http://127.0.0.1:1' },
    });
    assert.equal(refused.status, 403, `${method} ${path}`);
  }
});

test('when the server is gone it says that nothing was done', async () => {
  const { page } = signed;
  await page.route('**/v1/me/forget', (route) => route.abort());
  await page.getByLabel('I know that this cannot be undone').check();
  await page.getByRole('button', { name: 'Delete' }).click();
  await page.waitForFunction(() => /nothing was done/.test(document.querySelector('#forget-said').textContent));
});

test('nothing that was said or shown stands in the log', () => {
  const log = server.log();
  assert.match(log, /"route":"\/v1\/me"/, 'there is a log');
  for (const word of ['lisinopril', 'Delgado', 'medicines am I', 'improve']) assert.ok(!log.includes(word), `"${word}" stands in the log`);
});
