// Staff sign in with a real provider, in a real browser: a call is acknowledged, glass is broken, and somebody else looks into it.

import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { join } from 'node:path';

import { launch, until, visit } from './browser.mjs';
import { passes } from './provider.mjs';
import { root } from './server.mjs';
import { clinic } from './staff.mjs';

const REASON = 'Called to a fall in the corridor of another unit';
const PEOPLE = {
  'nurse-ada': { name: 'Ada Quill', groups: ['rn'], units: ['4-west'] },
  'doctor-eve': { name: 'Eve Hart', groups: ['md'], units: ['4-west'] },
  'officer-dana': { name: 'Dana Reed', groups: ['privacy'] },
  'doctor-patel': { name: 'Anita Patel', groups: ['md'], units: [] },
  'pharmacist-kim': { name: 'Kim Vale', groups: ['rx'], units: [] },
  'manager-mia': { name: 'Mia Lund', groups: ['manager'], units: ['4-west'] },
  'porter-bob': { name: 'Bob Stone', groups: ['porters'], units: ['4-west'] },
};

let server;
let browser;
let op;
let milo;

before(async () => {
  ({ op, server } = await clinic({
    people: PEOPLE,
    roles: 'nurse = ["rn"], clinician = ["md"], pharmacist = ["rx"], privacy-officer = ["privacy"], unit-manager = ["manager"]',
    units: '"4-west" = ["room-12"]',
    more: '[adt]\nlisten = "127.0.0.1:0"\n',
  }));
  milo = (await server.run('import', join(root, 'demo/milo-tran.json'), '--consent', 'none')).trim().split('\n').at(-1);
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await op?.stop();
  await server?.stop();
});

async function signsIn(login) {
  const visited = await visit(browser, `${server.url}/console`);
  const { page } = visited;
  const wrong = [];
  page.on('console', (message) => { if (message.type() === 'error' && message.location().url.startsWith(server.url)) wrong.push(message.text()); });
  await page.getByRole('button', { name: 'Sign in' }).click();
  await passes(page, login);
  await page.waitForURL(`${server.url}/console`);
  await until(page, 'ready locked');
  return { ...visited, wrong };
}

test('a nurse signs in, sees the calls of her rooms and acknowledges one', async () => {
  const room = await visit(browser, await server.link('--channel', 'room', '--room', 'room-12'));
  await until(room.page, 'ready');
  await room.page.locator('#say').fill('can I get some water');
  await room.page.locator('#send').click();
  await room.page.locator('.turn').first().waitFor();
  await room.context.close();

  const { context, page, wrong } = await signsIn('nurse-ada');
  assert.equal(await page.locator('#who').textContent(), 'Ada Quill (nurse)');
  const [cookie] = (await context.cookies(server.url)).filter((c) => c.name.startsWith('wellspoken'));
  assert.deepEqual([cookie.name, cookie.sameSite, cookie.httpOnly], ['wellspoken-staff', 'Strict', true]);
  const call = page.locator('#calls .call').first();
  assert.match(await call.textContent(), /room-12.*water/);
  await call.getByRole('button', { name: 'I have seen it' }).click();
  await page.getByText('seen by Ada Quill').first().waitFor();
  assert.equal(await page.locator('#reviews').isVisible(), false);
  // Her session is none for the talk page.
  assert.equal(await page.evaluate(async () => (await fetch('/v1/session')).status), 401);
  await page.getByRole('button', { name: 'Open the record' }).first().click();
  await page.locator('#record .name').waitFor();
  assert.match(await page.locator('#record').textContent(), /lisinopril/);
  assert.match(await page.locator('#record').textContent(), /blood pressure 138 over 86 mm\[Hg\].*type 2 diabetes, active.*Tdap/s);
  assert.equal(page.url(), `${server.url}/console`, 'no id is in the address');
  await page.getByRole('button', { name: 'Close the record' }).click();
  assert.equal(await page.locator('#shown').textContent(), '');
  assert.deepEqual(wrong.filter((e) => !/401/.test(e)), []);
  await context.close();
});

test('a call comes up by itself, is answered in the room from the keyboard, and taken back', async () => {
  const { context, page, wrong } = await signsIn('nurse-ada');
  const room = await visit(browser, await server.link('--channel', 'room', '--room', 'room-12'));
  await until(room.page, 'ready');
  const says = async (words) => {
    const before = await room.page.locator('.turn').count();
    await room.page.locator('#say').fill(words);
    await room.page.locator('#send').click();
    await room.page.locator('.turn').nth(before).waitFor();
    return room.page.locator('.turn').last().textContent();
  };
  // A later line takes its place soon where nobody is on duty: all that stood there are kept.
  await page.evaluate(() => {
    window.told = [];
    const keep = (records) => window.told.push(...records.flatMap((record) => [...record.addedNodes].map((node) => node.textContent)));
    new MutationObserver(keep).observe(document.getElementById('news'), { childList: true, subtree: true });
  });
  await says('I need a blanket');
  const call = page.locator('#calls .call', { hasText: 'blanket' });
  // Sooner than the board is looked at again by itself.
  await call.waitFor({ timeout: 8000 });
  assert.match(await call.textContent(), /room-12.*routine, for assistant/);
  const told = async () => (await page.evaluate(() => window.told)).join('\n');
  for (let n = 0; n < 300 && !/new call/.test(await told()); n += 1) await new Promise((again) => { setTimeout(again, 100); });
  assert.match(await told(), /room-12: new call, .*blanket/);
  assert.match(await says('is anyone coming'), /nobody has marked it as seen yet/);
  const words = call.getByLabel('What to say in room-12');
  await words.focus();
  await page.keyboard.type('I am on my way');
  await page.keyboard.press('Enter');
  await call.getByText('Ada Quill said: I am on my way').waitFor();
  assert.equal(await call.getByRole('button', { name: 'I have seen it' }).isVisible(), false, 'saying so is having seen it');
  assert.match(await says('is anyone coming'), /Ada Quill has seen it and says: I am on my way/);
  // What is being written is not lost when something happens meanwhile.
  await words.focus();
  await page.keyboard.type('half a sen');
  await says("never mind, I don't need the nurse");
  await call.getByText('says it is no longer needed').waitFor({ timeout: 8000 });
  assert.equal(await words.inputValue(), 'half a sen');
  await call.getByRole('button', { name: 'Done' }).click();
  await call.waitFor({ state: 'detached' });
  assert.deepEqual(wrong, []);
  await room.context.close();
  await context.close();
});

test('a clinician says in her own words that she told a result, and only then it may be told', async () => {
  const { context, page, wrong } = await signsIn('doctor-eve');
  const row = page.locator('#to-tell li').first();
  assert.match(await row.textContent(), /room-12.*Rosa Delgado.*potassium/);
  const tell = row.getByRole('button', { name: 'I have told them' });
  await row.getByLabel('What you told them').fill('told');
  await tell.click();
  await page.getByText(/10 to 500 characters/).waitFor();
  await row.getByLabel('What you told them').fill('Told her it is high, and that it is drawn again tonight');
  await tell.click();
  await page.locator('#to-tell').getByText('Nothing.').waitFor();
  assert.equal(await page.locator('#alert').textContent(), '');
  assert.deepEqual(wrong.filter((e) => !/40[01]/.test(e)), []);
  await context.close();
  const nurse = await signsIn('nurse-ada');
  assert.equal(await nurse.page.locator('#results').isVisible(), false);
  assert.equal(await nurse.page.evaluate(async () => (await fetch('/v1/staff/results')).status), 403);
  await nurse.context.close();
});

test('she breaks glass with a reason, and a privacy officer looks into it', async () => {
  const nurse = await signsIn('nurse-ada');
  const { page } = nurse;
  await page.locator('#whom').fill(milo);
  await page.locator('#reason').fill('just because');
  await page.locator('#reason').fill(REASON);
  await page.getByRole('button', { name: 'Break the glass' }).click();
  await page.locator('#record .name').waitFor();
  assert.match(await page.locator('#record').textContent(), /Milo Tran/);
  assert.match(await page.locator('#under').textContent(), /Under broken glass until/);
  // She cannot look into it herself.
  assert.equal(await page.evaluate(async () => (await fetch('/v1/staff/reviews')).status), 403);
  await nurse.context.close();

  const officer = await signsIn('officer-dana');
  const review = officer.page.locator('#queue .review').first();
  const text = await review.textContent();
  assert.match(text, /Ada Quill broke glass/);
  assert.ok(text.includes(REASON), text);
  assert.equal(await officer.page.locator('#board').isVisible(), false, 'an officer sees no calls');
  await review.locator('.finding').fill('Asked the charge nurse: it was needed');
  await review.getByRole('button', { name: 'Settle' }).click();
  await officer.page.getByText('Nothing.').waitFor();
  await officer.page.getByRole('button', { name: 'Sign out' }).click();
  await officer.page.waitForURL(`${op.issuer}/**`);
  await officer.context.close();
});

test('a prescriber refuses one renewal and agrees to another, which the pharmacy sends', async () => {
  const rosa = (await server.run('import', join(root, 'demo/rosa-delgado.json'), '--anchor-today', '--consent', 'all')).trim().split('\n').at(-1);
  const own = await visit(browser, await server.link('--channel', 'chat', '--as', rosa));
  await until(own.page, 'ready');
  const says = async (words) => {
    const before = await own.page.locator('.turn').count();
    await own.page.locator('#say').fill(words);
    await own.page.locator('#send').click();
    await own.page.locator('.turn').nth(before).waitFor();
    return own.page.locator('.turn').last().textContent();
  };
  await says('refill my atorvastatin');
  await says('yes');
  const doctor = await signsIn('doctor-patel');
  const asked = doctor.page.locator('#inbox .renewal');
  assert.match(await asked.first().textContent(), /Rosa Delgado.*atorvastatin/);
  assert.equal(await doctor.page.locator('#fills').isVisible(), false);
  await asked.first().getByRole('button', { name: 'Deny' }).click();
  await doctor.page.getByRole('alert').filter({ hasText: 'say why not' }).waitFor();
  await asked.first().locator('input').fill('please have your blood drawn first');
  await asked.first().getByRole('button', { name: 'Deny' }).click();
  await doctor.page.locator('#inbox').getByText('Nothing waits.').waitFor();
  assert.match(await says('is my atorvastatin ready'), /Anita Patel said no to more atorvastatin today: please have your blood drawn first/);
  await says('refill my atorvastatin');
  await says('yes');
  await doctor.page.reload();
  await until(doctor.page, 'ready');
  await asked.first().getByRole('button', { name: 'Approve' }).click();
  await doctor.page.locator('#inbox').getByText('Nothing waits.').waitFor();
  assert.deepEqual(doctor.wrong.filter((e) => !/40[01]/.test(e)), []);
  await doctor.context.close();

  const pharmacist = await signsIn('pharmacist-kim');
  const fill = pharmacist.page.locator('#counter .renewal').first();
  await fill.getByRole('button', { name: 'Filled' }).click();
  await fill.getByRole('button', { name: 'Shipped' }).waitFor();
  await fill.getByLabel('Carrier').fill('UPS');
  await fill.getByRole('button', { name: 'Shipped' }).click();
  await fill.getByRole('button', { name: 'Delivered' }).waitFor();
  assert.match(await says('is my atorvastatin ready'), /on its way. It was sent today with UPS/);
  await pharmacist.context.close();
  await own.context.close();
});

test('whoever has no role here is told so, and gets nothing', async () => {
  const { context, page } = await signsIn('porter-bob');
  assert.match(await page.getByRole('alert').textContent(), /could not be signed in here/);
  assert.equal((await context.cookies(server.url)).some((c) => c.name === 'wellspoken-staff'), false);
  await context.close();
});

test('who it was, whom they saw and why stand in no log; that glass was broken does', () => {
  for (const word of ['Ada', 'Dana', 'nurse-ada', 'Milo', milo, 'corridor', 'charge nurse', 'water', 'Eve', 'Delgado', 'potassium', 'tonight']) {
    assert.equal(server.log().includes(word), false, word);
  }
  assert.match(server.log(), /"kind":"break-glass"/);
});

test('whoever runs a unit sees its rooms, where nobody answers and where somebody calls, and announces something', async () => {
  const place = async (...args) => (await server.run('fleet', 'place', ...args)).trim();
  const unit = await place('4-west', '--kind', 'unit', '--in', await place('Mercy', '--kind', 'property'));
  const room = await place('12', '--kind', 'room', '--in', unit, '--room', 'room-12');
  await place('14', '--kind', 'room', '--in', unit, '--room', 'room-14');
  await server.run('fleet', 'enrol', 'SN-12', '--in', room);
  const { context, page, wrong } = await signsIn('manager-mia');
  const row = page.locator('#map tbody tr');
  // The unit of that name in the fleet adds its rooms to those of the configuration.
  assert.equal(await row.count(), 2);
  const cells = async (n) => (await row.nth(n).locator('th, td').allTextContents());
  assert.deepEqual((await cells(0)).slice(0, 3), ['Mercy / 4-west / 12', 'waits for its code', 'never']);
  assert.deepEqual(await cells(1), ['Mercy / 4-west / 14', 'no device', 'never', 'none']);
  assert.match(await page.locator('#map-sum').textContent(), /^2 rooms, 0 offline/);
  await page.getByLabel('To', { exact: true }).selectOption({ label: 'Mercy / 4-west' });
  await page.getByLabel('What is said').fill('Visiting hours end at eight.');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.getByText('It is being announced').waitFor();
  const told = await page.evaluate(async () => (await (await fetch('/v1/fleet/announcements')).json()).announcements);
  assert.deepEqual(told.map((one) => [one.called, one.priority, one.text]), [['Mercy / 4-west', 'routine', 'Visiting hours end at eight.']]);
  assert.deepEqual(wrong, []);
  await context.close();
});

/** Sends a message of the admission system and waits until it is answered. */
const admitted = (control, bed) => new Promise((done, fail) => {
  const when = new Date().toISOString().replace(/[-:T]/g, '').slice(0, 14);
  const message = [
    `MSH|^~\\&|ADT|MERCY|WS|MERCY|${when}+0000||ADT^A01|${control}|P|2.5.1`, `EVN|A01|${when}+0000`,
    'PID|1||QZ-4^^^MERCY^MR||Zephyrantha^Quillon', `PV1|1|I|${bed}`,
  ].join('\r');
  const socket = connect(Number(server.admissions()), '127.0.0.1', () => socket.write(`\x0b${message}\x1c\r`));
  socket.once('data', (answer) => { socket.destroy(); done(String(answer)); });
  socket.once('error', fail);
});

test('an admission to a bed that nobody knows is read, mapped to a room from the keyboard, and counts', async () => {
  assert.match(await admitted('c1', '4W^15^A'), /MSA\|AA\|c1/);
  assert.match(await admitted('c2', '9Z^1^1'), /MSA\|AA\|c2/);
  const { context, page, wrong } = await signsIn('manager-mia');
  const row = page.locator('#messages li');
  assert.equal(await row.count(), 2);
  assert.match(await row.first().textContent(), /for \d+ min.*A01: waits: 4W\^15\^A is no room yet/);
  assert.doesNotMatch(await page.content(), /Zephyrantha/, 'the list says nothing of anybody');
  await row.first().getByRole('button', { name: 'Read it' }).click();
  await page.getByRole('heading', { name: 'The message as it came' }).waitFor();
  assert.match(await page.locator('#message-text').textContent(), /PID\|1\|\|QZ-4.*Zephyrantha/);
  await page.getByRole('button', { name: 'Close the message' }).click();
  assert.equal(await page.locator('#message-text').textContent(), '');

  const field = page.getByLabel('Room that 4W^15^A is');
  await field.focus();
  await page.keyboard.type('room-99');
  await page.keyboard.press('Enter');
  await page.getByText(/That was not done/).waitFor();
  await field.fill('room-14');
  await field.press('Enter');
  await page.getByText('4W^15^A is room-14 now; what waited for it is done again.').waitFor();
  await page.locator('#messages li', { hasText: '4W^15^A' }).waitFor({ state: 'detached' });
  const lies = async () => page.evaluate(async () => (await (await fetch('/v1/staff/people')).json()).people.map(({ room }) => room));
  for (let n = 0; n < 300 && !(await lies()).includes('room-14'); n += 1) await new Promise((again) => { setTimeout(again, 100); });
  assert.ok((await lies()).includes('room-14'), 'it counts');

  await row.first().getByRole('button', { name: 'Settle' }).click();
  await page.locator('#messages').getByText('Nothing.').waitFor();
  assert.deepEqual(wrong.filter((e) => !/404/.test(e)), []);
  await context.close();
  for (const word of ['Zephyrantha', 'QZ-4']) assert.equal(server.log().includes(word), false, word);
});

test('a nurse sees nothing of admissions', async () => {
  const { context, page } = await signsIn('nurse-ada');
  assert.equal(await page.locator('#admissions').isVisible(), false);
  assert.equal(await page.evaluate(async () => (await fetch('/v1/staff/admissions')).status), 403);
  await context.close();
});
