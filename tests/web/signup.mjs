// The whole way of somebody whom nobody knew: signing up in a real browser, a code by real mail, let in by the command line, the
// link to a page of their own, who they are, what may be used, their records at a real authorization server, an answer out
// of them in the chat, and the way back by another letter.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { launch, until, visit } from './browser.mjs';
import { organization } from './organization.mjs';
import { postOffice } from './post.mjs';
import { passes } from './provider.mjs';
import { free, start } from './server.mjs';

const ADDRESS = 'june.whitlock@example.org';
const PEOPLE = {
  june: [
    { resourceType: 'Patient', birthDate: '1984-08-09', name: [{ use: 'official', family: 'Whitlock', given: ['June'] }] },
    {
      resourceType: 'MedicationRequest', status: 'active', intent: 'order', authoredOn: '2026-03-02',
      identifier: [{ system: 'https://mercy.example/rx', value: '1' }], medicationCodeableConcept: { text: 'levothyroxine 50 MCG Oral Tablet' },
      dosageInstruction: [{ text: 'Take one tablet in the morning.' }],
    },
  ],
};

let server;
let browser;
let mercy;
let post;
let own;

before(async () => {
  const [port, ...ports] = [await free(), await free(), await free()];
  const url = `http://127.0.0.1:${port}`;
  mercy = await organization({ ports, redirect: `${url}/connect/back`, people: PEOPLE });
  post = await postOffice(url);
  const section = `${post.section}[connect]\npublic_url = "${url}"\n[[connect.organizations]]\nid = "mercy"\nname = "Mercy Hospital"\n`
    + `fhir = "${mercy.base}"\nclient_id = "wellspoken"\n`;
  server = await start({ listen: `127.0.0.1:${port}`, section });
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await mercy?.stop();
  await server?.stop();
  await post?.stop();
});

const said = (page, id, words) => page.waitForFunction(([where, wanted]) => new RegExp(wanted).test(document.getElementById(where).textContent), [id, words]);
const link = (letter) => /(http\S+\/me#\S+)\r$/m.exec(letter.text)[1];

/** What the chat on a page of theirs answers. */
async function chat(page, text) {
  await page.goto(server.url);
  await until(page, 'ready');
  await page.locator('#say').fill(text);
  await page.locator('#send').click();
  await until(page, 'ready');
  await page.locator('.turn').first().waitFor();
  return page.locator('.turn').first().textContent();
}

test('somebody signs up, is let in, and the link opens a page of their own', async () => {
  const { page, context } = await visit(browser, `${server.url}/join`);
  await page.getByRole('textbox', { name: 'E-mail address' }).fill(ADDRESS);
  await page.getByRole('button', { name: 'Send the code' }).click();
  const code = /^(\d{8})\r$/m.exec((await post.arrived(1)).text)[1];
  await page.getByRole('textbox', { name: 'Code' }).fill(code);
  await page.getByRole('button', { name: 'This is my address' }).click();
  await page.getByRole('heading', { name: 'You are on the list' }).waitFor();
  await context.close();
  assert.match(await server.run('access', 'enable', '--next', '1'), /1 let in/);
  own = await visit(browser, link(await post.arrived(2)));
  await until(own.page, 'ready');
  assert.equal(own.page.url(), `${server.url}/me`, 'the secret has left the address bar');
  assert.equal(await own.page.locator('dd[data-class="medicines"]').textContent(), '0', 'nothing is known of them');
  await own.page.getByRole('heading', { name: 'How to begin' }).waitFor();
});

test('nothing can be connected before they said who they are, and no name is made of anything', async () => {
  const { page } = own;
  await page.getByRole('button', { name: 'Connect Mercy Hospital', exact: true }).click();
  await said(page, 'records-said', 'First say who you are');
  const fill = async (given, birth) => {
    await page.getByLabel('First name').fill(given);
    await page.getByLabel('Last name').fill('Whitlock');
    await page.getByLabel('Date of birth').fill(birth);
    await page.getByRole('button', { name: 'This is me' }).click();
  };
  await fill('<b>June</b>', '1984-08-09');
  await said(page, 'who-said', 'does not look like a name');
  await fill('June', '1984-08-09');
  await said(page, 'who-said', 'I know now who you are');
  assert.equal(await page.locator('#whose').textContent(), 'June Whitlock');
});

test('what they agree to is theirs to tick', async () => {
  const { page } = own;
  for (const box of await page.locator('#consent-uses input').all()) assert.equal(await box.isChecked(), false, 'nothing is agreed to');
  await page.getByLabel('Use my medicines to answer me').check();
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await said(page, 'consent-said', 'Saved');
  assert.doesNotMatch(await chat(page, 'what medicines am I on'), /levothyroxine/, 'general answers alone');
});

test('they connect their records, and the answers get personal', async () => {
  const { page } = own;
  await page.goto(`${server.url}/me`);
  await until(page, 'ready');
  await page.getByRole('button', { name: 'Connect Mercy Hospital', exact: true }).click();
  await page.waitForURL(`${mercy.issuer}/**`);
  await passes(page, 'june');
  await page.waitForURL(`${server.url}/me`);
  await page.waitForSelector('#records-connected li[data-state="ready"]', { timeout: 30_000 });
  assert.match(await page.locator('#records-connected').textContent(), /Mercy Hospital: connected, last fetched/);
  await page.reload();
  await until(page, 'ready');
  assert.equal(await page.locator('#who').isVisible(), false, 'now the record tells who they are');
  const told = await chat(page, 'what medicines am I on');
  assert.match(told, /levothyroxine/);
  assert.match(told, /Mercy Hospital/);
});

test('a speaker at home learns by a code who they are', async () => {
  const { page } = own;
  await page.goto(`${server.url}/me`);
  await until(page, 'ready');
  await page.getByRole('button', { name: 'Make a code' }).click();
  await page.waitForFunction(() => document.querySelector('#code-shown').textContent !== '');
  const code = await page.locator('#code-shown').textContent();
  const device = await visit(browser, await server.link('--channel', 'home', '--room', 'kitchen'));
  await until(device.page, 'ready');
  let session;
  const say = async (text) => {
    const answered = await device.page.evaluate((body) => fetch('/v1/turns', {
      method: 'POST', headers: { 'Content-Type': 'application/json' }, body,
    }).then((response) => response.json()), JSON.stringify({ text, session }));
    session = answered.session;
    return answered.reply;
  };
  await say(`my code is ${code}`);
  await say('yes');
  assert.match(await say('what medicines am I on'), /levothyroxine/);
  await device.context.close();
});

test('whoever asks again from that address at once is sent no second link, and no code', async () => {
  await own.context.close();
  const { page, context } = await visit(browser, `${server.url}/join`);
  const before = post.letters.length;
  // A link was sent a moment ago; ten minutes are not waited for here.
  await page.getByRole('textbox', { name: 'E-mail address' }).fill(ADDRESS);
  await page.getByRole('button', { name: 'Send the code' }).click();
  await page.getByRole('heading', { name: 'The code' }).waitFor();
  await context.close();
  assert.equal(post.letters.length, before, 'not twice in ten minutes');
  assert.match(await server.run('access', 'list'), /0 unconfirmed, 0 waiting, 1 enabled/);
});

test('nothing of it is in the log or in a letter', () => {
  const log = server.log();
  for (const word of [ADDRESS, 'Whitlock', 'levothyroxine', 'wsp_', 'code=', 'access_token']) assert.ok(!log.includes(word), `"${word}" stands in the log`);
  for (const { text } of post.letters) for (const word of ['Whitlock', 'Mercy', 'levothyroxine']) assert.ok(!text.replace(ADDRESS, '').toLowerCase().includes(word.toLowerCase()), word);
});
