// People sign in with a real provider, in a real browser, in front of the real server.

import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { answer, launch, until, visit } from './browser.mjs';
import { passes, provider } from './provider.mjs';
import { free, root, start } from './server.mjs';

let server;
let browser;
let op;
let folder;

/** A port that is free now. */
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wellspoken-sign-in-'));
  const secret = join(folder, 'secret');
  await writeFile(secret, 'a-secret-for-tests-0123456789abcdef\n');
  await chmod(secret, 0o600);
  const [port, at] = [await free(), await free()];
  const url = `http://127.0.0.1:${port}`;
  op = await provider(at, { redirect: [`${url}/sign-in/back`], after: [`${url}/`], people: { 'rosa-4711': {}, 'stranger-1': {} } });
  const section = `[sign_in]\npublic_url = "${url}"\n[sign_in.people]\nissuer = "${op.issuer}"\nclient_id = "wellspoken"\nclient_secret_file = "${secret}"\n`;
  server = await start({ listen: `127.0.0.1:${port}`, section });
  const rosa = (await server.run('import', join(root, 'demo/rosa-delgado.json'), '--consent', 'all')).trim().split('\n').at(-1);
  await server.run('credential', 'bind', '--as', rosa, '--subject', 'rosa-4711', '--label', 'at the clinic');
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await op?.stop();
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

const say = async (page, text, count = 1) => {
  await page.locator('#say').fill(text);
  await page.locator('#send').click();
  return answer(page, count);
};

test('a person signs in, asks for their medicines, and signs out of both', async () => {
  const { context, page } = await visit(browser, server.url);
  // The provider's own page is the provider's affair.
  const wrong = [];
  page.on('console', (message) => { if (message.type() === 'error' && message.location().url.startsWith(server.url)) wrong.push(message.text()); });
  page.on('request', (request) => {
    const ours = !request.isNavigationRequest() && request.frame().url().startsWith(server.url);
    if (ours && new URL(request.url()).host !== new URL(server.url).host) wrong.push(request.url());
  });
  assert.equal(await page.evaluate(() => document.body.dataset.state), 'locked');
  const back = page.waitForRequest((request) => request.url().includes('/sign-in/back'));
  await page.getByRole('button', { name: 'Sign in' }).click();
  await passes(page, 'rosa-4711');
  await back;
  await until(page, 'ready');
  assert.equal(page.url(), `${server.url}/`, 'neither code nor state is left in the address');
  const cookies = (await context.cookies(server.url)).filter((c) => c.name.startsWith('wellspoken'));
  assert.deepEqual(cookies.map((c) => [c.name, c.sameSite, c.httpOnly]), [['wellspoken', 'Strict', true]]);
  assert.equal(await page.evaluate(() => document.cookie.includes('wellspoken')), false);
  assert.deepEqual(await page.evaluate(() => [localStorage.length, sessionStorage.length, document.referrer]), [0, 0, '']);
  assert.match((await say(page, 'what medicines am I on')).reply, /lisinopril/i);

  // Going back in the history shows neither the code nor a second session.
  await page.reload();
  await until(page, 'ready');
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.waitForURL(`${op.issuer}/**`);
  await page.getByRole('button', { name: /yes/i }).click();
  await page.waitForURL(`${server.url}/`);
  await until(page, 'locked');
  assert.equal((await context.cookies(server.url)).some((c) => c.name === 'wellspoken'), false);
  assert.deepEqual(wrong.filter((e) => !/401/.test(e)), [], 'errors in the console, or requests elsewhere');
  await context.close();
});

test('an account that nobody connected gets nothing and learns nothing', async () => {
  const { context, page } = await visit(browser, server.url);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await passes(page, 'stranger-1');
  await until(page, 'locked');
  assert.match(await page.getByRole('alert').textContent(), /could not be signed in here/);
  assert.equal((await context.cookies(server.url)).some((c) => c.name === 'wellspoken'), false);
  await context.close();
});

test('an answer that comes back twice, or into another browser, is refused', async () => {
  const { context, page } = await visit(browser, server.url);
  const back = page.waitForRequest((request) => request.url().includes('/sign-in/back'));
  await page.getByRole('button', { name: 'Sign in' }).click();
  await passes(page, 'rosa-4711');
  const answered = (await back).url();
  await until(page, 'ready');
  for (const other of [context, await browser.newContext()]) {
    const again = await other.newPage();
    await again.goto(answered);
    await again.waitForFunction(() => document.querySelector('#alert')?.textContent !== '');
    assert.match(await again.getByRole('alert').textContent(), /sign in again/);
    assert.equal(again.url(), `${server.url}/`);
    await again.close();
    if (other !== context) {
      assert.deepEqual((await other.cookies(server.url)).filter((c) => c.name === 'wellspoken'), []);
      await other.close();
    }
  }
  await context.close();
});

test('with the provider gone the page says so, and whoever is signed in stays so', async () => {
  const { context, page } = await visit(browser, server.url);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await passes(page, 'rosa-4711');
  await until(page, 'ready');
  await op.stop();
  assert.match((await say(page, 'what medicines am I on')).reply, /lisinopril/i);
  const other = await visit(browser, server.url);
  const [code, state] = ['x', 'y'];
  await other.page.goto(`${server.url}/sign-in/back?code=${code}&state=${state}`);
  await until(other.page, 'locked');
  assert.match(await other.page.getByRole('alert').textContent(), /sign in again/);
  await other.context.close();
  await context.close();
});

test('nothing of who signed in is in the log', () => {
  for (const word of ['rosa-4711', 'stranger-1', 'at the clinic', 'code=', 'state=', 'Delgado']) {
    assert.equal(server.log().includes(word), false, word);
  }
  assert.match(server.log(), /"route":"\/sign-in\/back"/);
});
