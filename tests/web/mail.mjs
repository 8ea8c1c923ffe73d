// Signing up in a real browser, with letters that go through a real mail server: a code, being let in, a one-time link.
// Run: npm --prefix tests/web test

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { launch, until, visit } from './browser.mjs';
import { PASSWORD, postOffice } from './post.mjs';
import { free, root, start } from './server.mjs';

const ADDRESS = 'rosa.quibble@example.org';

let post;
let server;
let browser;
let letters;
let moods;

before(async () => {
  const port = await free();
  post = await postOffice(`http://127.0.0.1:${port}`);
  ({ letters, moods } = post);
  server = await start({ listen: `127.0.0.1:${port}`, section: post.section });
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await server?.stop();
  await post?.stop();
});

test('somebody signs up with an address and the code that was sent there', async () => {
  const { page, context, seen } = await visit(browser, `${server.url}/join`);
  await page.getByRole('textbox', { name: 'E-mail address' }).fill(ADDRESS);
  await page.getByRole('button', { name: 'Send the code' }).click();
  const letter = await post.arrived(1);
  assert.deepEqual([letter.from, letter.to, letter.secure], ['assistant@clinic.example', [ADDRESS], true]);
  assert.match(letter.text, /^Subject: Your code\r$/m);
  assert.match(letter.text, /^Message-ID: <[0-9a-f]{24}@clinic\.example>\r$/m);
  const code = /^(\d{8})\r$/m.exec(letter.text)[1];
  await page.getByRole('textbox', { name: 'Code' }).fill('00000000');
  await page.getByRole('button', { name: 'This is my address' }).click();
  await page.waitForFunction(() => /not the code/.test(document.querySelector('#alert').textContent));
  await page.getByRole('textbox', { name: 'Code' }).fill(code);
  await page.getByRole('button', { name: 'This is my address' }).click();
  await page.getByRole('heading', { name: 'You are on the list' }).waitFor();
  assert.equal(page.url(), `${server.url}/join`, 'no address is in the URL');
  assert.deepEqual(seen.errors.filter((e) => !/403/.test(e)), []);
  assert.match(await server.run('access', 'list'), /0 unconfirmed, 1 waiting, 0 enabled/);
  await context.close();
});

test('an address that is none is refused, and one that is known is answered like any other', async () => {
  const join = (email) => fetch(`${server.url}/v1/access`, {
    method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ email }),
  });
  assert.equal((await join('rosa@example.org>\r\nRCPT TO:<x@y.example')).status, 400);
  const [known, fresh] = [await join(ADDRESS), await join('fresh@example.org')];
  assert.deepEqual([known.status, await known.text()], [fresh.status, await fresh.text()]);
  assert.equal((await post.arrived(2)).to[0], 'fresh@example.org', 'whoever waits gets no second code');
});

test('whoever is let in gets a letter, also where the mail server is out of order at first, and its link opens a page', async () => {
  moods.push({ code: 451, text: 'try later' });
  assert.match(await server.run('access', 'enable', '--first', '5'), /1 let in/, 'whoever did not confirm is not let in');
  for (let i = 0; moods.length && i < 200; i += 1) await new Promise((done) => { setTimeout(done, 50); });
  assert.equal(letters.length, 2, 'it was not taken');
  const letter = await post.arrived(3);
  assert.deepEqual(letter.to, [ADDRESS]);
  assert.match(letter.text, /^Subject: You can come in now\r$/m);
  const link = /(http\S+\/me#\S+)\r$/m.exec(letter.text)[1];
  const { page, context } = await visit(browser, link);
  await until(page, 'ready');
  assert.equal(page.url(), `${server.url}/me`, 'the secret has left the address bar');
  assert.equal(await page.locator('#whose').textContent(), '', 'nobody knows who they are');
  assert.equal(await page.locator('dd[data-class="medicines"]').textContent(), '0');
  await page.goto(server.url);
  await until(page, 'ready');
  await page.locator('#say').fill('is my prescription ready');
  await page.locator('#send').click();
  await page.locator('.turn').first().waitFor();
  assert.doesNotMatch(await page.locator('.turn').first().textContent(), /lisinopril/, 'nothing is known of them');
  await context.close();
  assert.match(await server.run('access', 'enable', '--first', '5'), /0 let in/);
});

test('on a page of their own somebody asks for letters when there is news, and shows that the address is theirs', async () => {
  const person = (await server.run('import', join(root, 'demo/rosa-delgado.json'), '--anchor-today')).trim();
  const link = await server.link('--channel', 'chat', '--as', person);
  const { page, context, seen } = await visit(browser, link.replace('/#', '/me#'));
  await page.getByRole('heading', { name: 'News', exact: true }).waitFor();
  assert.match(await page.locator('#news').textContent(), /There is nothing new for you/);
  const before = letters.length;
  await page.locator('#letters-form').getByRole('textbox').fill('rosa.at.home@example.org');
  await page.getByRole('button', { name: 'Send a code there' }).click();
  const letter = await post.arrived(before + 1);
  assert.deepEqual(letter.to, ['rosa.at.home@example.org']);
  const code = /^(\d{8})\r$/m.exec(letter.text)[1];
  await page.locator('#letters-code input').fill('00000000');
  await page.locator('#letters-code').getByRole('button').click();
  await page.waitForFunction(() => /not the code/.test(document.querySelector('#letters-said').textContent));
  await page.locator('#letters-code input').fill(code);
  await page.locator('#letters-code').getByRole('button').click();
  await page.waitForFunction(() => /Letters go to/.test(document.querySelector('#letters-now').textContent));
  await page.locator('#news-form input[name=results]').uncheck();
  await page.locator('#news-form input[name=from]').fill('22:00');
  await page.locator('#news-form input[name=to]').fill('07:00');
  await page.getByRole('button', { name: 'Save what I want' }).click();
  await page.waitForFunction(() => /Saved/.test(document.querySelector('#news-said').textContent));
  await page.reload();
  await page.getByRole('heading', { name: 'News', exact: true }).waitFor();
  await page.waitForFunction(() => document.body.dataset.state === 'ready');
  assert.equal(await page.locator('#news-form input[name=results]').isChecked(), false);
  assert.equal(await page.locator('#news-form input[name=from]').inputValue(), '22:00');
  await page.getByRole('button', { name: 'No more letters' }).click();
  await page.waitForFunction(() => /You get no letters/.test(document.querySelector('#letters-now').textContent));
  assert.deepEqual(seen.errors.filter((e) => !/403/.test(e)), []);
  await context.close();
});

test('no letter tells of health, and no address, code or link stands in the log', () => {
  for (const { text } of letters) {
    for (const word of ['lisinopril', 'prescription', 'clinic ', 'Rosa', 'doctor', 'result']) assert.ok(!text.includes(word), `${word}: ${text}`);
  }
  const log = server.log();
  assert.match(log, /a letter is out/);
  const codes = letters.flatMap(({ text }) => [.../^(\d{8})\r$/gm[Symbol.matchAll](text)].map((found) => found[1]));
  for (const word of [ADDRESS, 'quibble', 'fresh@', 'rosa.at.home', 'wsp_', PASSWORD, ...codes]) assert.ok(!log.includes(word), `"${word}" stands in the log`);
});
