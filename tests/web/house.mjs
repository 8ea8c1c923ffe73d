// Staff's pages of the house in a real browser: the fleet's places and devices, the audit trail, and whether every page of the
// console and of /me can be used by keyboard and read by everybody. Makes the pictures of the README, too:
//   SCREENSHOTS=docs node --test house.mjs

import assert from 'node:assert/strict';
import { readFile, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { join, resolve } from 'node:path';

import { launch, until, visit } from './browser.mjs';
import { passes } from './provider.mjs';
import { root } from './server.mjs';
import { clinic } from './staff.mjs';

const PEOPLE = {
  'nurse-ada': { name: 'Ada Quill', groups: ['rn'], units: ['4 West'] },
  'doctor-patel': { name: 'Anita Patel', groups: ['md'], units: ['4 West'] },
  'officer-dana': { name: 'Dana Reed', groups: ['privacy'] },
  'manager-mia': { name: 'Mia Lund', groups: ['manager'], units: ['4 West'] },
  'operator-olga': { name: 'Olga Berg', groups: ['it'] },
};
const pictures = process.env.SCREENSHOTS && resolve(root, process.env.SCREENSHOTS);
const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

let server;
let browser;
let op;
let rosa;

before(async () => {
  ({ op, server } = await clinic({
    people: PEOPLE,
    roles: 'nurse = ["rn"], clinician = ["md"], privacy-officer = ["privacy"], unit-manager = ["manager"], operator = ["it"]',
    units: '"4 West" = ["room-12"]',
  }));
  const place = async (...args) => (await server.run('fleet', 'place', ...args)).trim();
  const property = await place('Mercy', '--kind', 'property');
  const unit = await place('4 West', '--kind', 'unit', '--in', property);
  const rooms = {};
  for (const n of ['12', '14', '15', '16']) rooms[n] = await place(n, '--kind', 'room', '--in', unit, '--room', `room-${n}`);
  const other = await place('5 West', '--kind', 'unit', '--in', property);
  const far = await place('51', '--kind', 'room', '--in', other, '--room', 'room-51');
  await server.run('fleet', 'set', property, '{"volume": 40, "quiet": {"from": "21:00", "until": "07:00"}}');
  for (const [serial, room] of [['SN-12', rooms['12']], ['SN-14', rooms['14']], ['SN-15', rooms['15']], ['SN-51', far]]) {
    await server.run('fleet', 'enrol', serial, '--in', room);
  }
  await server.run('fleet', 'lost', 'SN-15');
  rosa = (await server.run('import', join(root, 'demo/rosa-delgado.json'), '--anchor-today', '--consent', 'all')).trim().split('\n').at(-1);
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await op?.stop();
  await server?.stop();
});

async function signsIn(login, options) {
  const visited = await visit(browser, `${server.url}/console`, options);
  const { page } = visited;
  const wrong = [];
  // The provider's own page is not ours, and a refusal is no error of the page.
  page.on('console', (message) => {
    if (message.type() === 'error' && message.location().url.startsWith(server.url) && !/ 40[139] /.test(message.text())) wrong.push(message.text());
  });
  page.on('pageerror', (error) => wrong.push(String(error)));
  await page.getByRole('button', { name: 'Sign in' }).click();
  await passes(page, login);
  await page.waitForURL(`${server.url}/console`);
  await until(page, 'ready');
  return { ...visited, wrong };
}

/** Goes to another page of the console by its link. */
async function goes(page, name, heading = name) {
  await page.getByRole('navigation').getByRole('link', { name }).click();
  await page.getByRole('heading', { level: 1, name: heading }).waitFor();
}

async function says(...sentences) {
  const room = await visit(browser, await server.link('--channel', 'room', '--room', 'room-12'));
  await until(room.page, 'ready');
  for (const [n, words] of sentences.entries()) {
    await room.page.locator('#say').fill(words);
    await room.page.locator('#send').click();
    await room.page.locator('.turn').nth(n).waitFor();
  }
  await room.context.close();
}

async function picture(page, name) {
  if (!pictures) return;
  const path = join(pictures, `${name}.png`);
  await page.screenshot({ path });
  assert.ok((await stat(path)).size < 150_000, `${name}.png is too large`);
}

/** Runs in the page: every text against what is behind it, as WCAG 2 counts it. */
function contrasts() {
  const channels = (colour) => colour.match(/[\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, n) => sum + c * [0.2126, 0.7152, 0.0722][n], 0);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if ((channels(colour)[3] ?? 1) > 0) return colour;
    }
    return getComputedStyle(document.documentElement).backgroundColor;
  };
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const element = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || !element.checkVisibility() || element.closest('option, noscript, script, :disabled')) continue;
    const [a, b] = [light(channels(getComputedStyle(element).color)), light(channels(behind(element)))];
    found.push([(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), walk.currentNode.data.trim()]);
  }
  return found.sort((a, b) => a[0] - b[0]);
}

/** Everybody can read a page: axe-core finds nothing wrong, text stands out from what is behind it, and focus is seen. */
async function readable(page, name) {
  await page.evaluate(axe);
  const { violations, passes: rules } = await page.evaluate(() => window.axe.run(document, {
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
  }));
  const wrong = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' ')}`);
  assert.deepEqual(wrong, [], name);
  assert.ok(rules.length > 15, `${name}: ${rules.length} rules looked at`);
  const found = await page.evaluate(contrasts);
  assert.ok(found.length > 1, `${name}: ${found.length} texts`);
  assert.ok(found[0][0] >= 4.5, `${name}: ${found[0]}`);
  assert.equal(await page.locator('h1').count(), 1, name);
  assert.equal(await page.getByRole('main').count(), 1, name);
}

test('whoever looks after the machine makes a place and a device known, and takes it out of use only when sure', async () => {
  const { context, page, wrong } = await signsIn('operator-olga');
  await goes(page, 'Fleet');
  await page.getByRole('link', { name: '4 West' }).click();
  await page.getByRole('heading', { level: 1, name: 'Mercy / 4 West' }).waitFor();
  const make = page.getByRole('region', { name: 'Make a place in it' });
  await make.getByLabel('What it is').selectOption('room');
  await make.getByLabel('What people call it').fill('Sun & Moon');
  await make.getByLabel('the name that its devices know it by').fill('room-17');
  await make.getByRole('button').click();
  await page.getByRole('status').filter({ hasText: 'The place is made' }).waitFor();
  await page.getByRole('link', { name: 'Sun & Moon' }).click();
  await page.getByLabel('Serial number').fill('SN-17');
  await page.getByRole('button', { name: 'Get its one-time code' }).click();
  assert.match(await page.locator('#code').textContent(), /^[0-9A-Z]{4}-[0-9A-Z]{4}$/);
  await page.getByLabel('Volume').fill('101');
  await page.locator('#settings').evaluate((form) => form.noValidate = true);
  await page.getByRole('button', { name: 'Set this here' }).click();
  await page.getByRole('alert').filter({ hasText: 'must be from 0 to 100' }).waitFor();
  await page.getByLabel('Volume').fill('25');
  assert.equal(await page.locator('#volume-above').textContent(), 'from Mercy: 40');
  await page.getByRole('button', { name: 'Set this here' }).click();
  await page.getByText('It is set.').waitFor();
  assert.equal(await page.getByLabel('Volume').inputValue(), '25');
  await page.getByRole('link', { name: 'SN-17' }).click();
  await page.getByRole('button', { name: 'Take it out of use' }).click();
  await page.getByRole('heading', { level: 1, name: 'out of use for good?' }).waitFor();
  await page.getByRole('link', { name: 'No, change nothing' }).click();
  assert.equal(await page.locator('#state').textContent(), 'waits for its code');
  await page.getByLabel('Put it into').selectOption({ label: 'Mercy / 4 West / 16' });
  await page.getByRole('button', { name: 'Move it' }).click();
  await page.getByText('It is moved.').waitFor();
  await page.getByRole('button', { name: 'Take it out of use' }).click();
  await page.getByRole('button', { name: 'Yes, I am sure' }).click();
  await page.waitForURL(`${server.url}/console/fleet`);
  assert.equal(await page.getByRole('link', { name: 'SN-17' }).count(), 0);
  assert.deepEqual(wrong, []);
  await context.close();
});

test('a table is chosen, tried, mended and made', async () => {
  const { context, page, wrong } = await signsIn('operator-olga');
  await goes(page, 'Fleet');
  await page.getByRole('link', { name: 'out of a table' }).click();
  const table = (rows) => ({ name: 'devices.csv', mimeType: 'text/csv', buffer: Buffer.from(`property,unit,room,serial\n${rows}`) });
  await page.getByLabel('A file').setInputFiles(table('Mercy,6 West,61,SN-61\nMercy,6 West,62,S N\n'));
  await page.waitForFunction(() => document.getElementById('table').value.includes('SN-61'));
  await page.getByRole('button', { name: 'Say what it would make' }).click();
  await page.getByRole('heading', { name: 'nothing was made' }).waitFor();
  assert.deepEqual((await page.locator('#wrong tbody tr').locator('th, td').allTextContents()).slice(0, 2), ['3', 'serial']);
  await readable(page, 'a table with something wrong');
  await page.getByLabel('The table itself').fill('property,unit,room,serial\nMercy,6 West,61,SN-61\nMercy,6 West,62,SN-62\n');
  await page.getByRole('button', { name: 'Say what it would make' }).click();
  await page.getByText('3 places, 2 devices').waitFor();
  assert.doesNotMatch(await server.run('fleet', 'list'), /SN-61/);
  await page.getByRole('button', { name: 'Make all of it' }).click();
  await page.getByRole('heading', { name: 'It is made' }).waitFor();
  assert.match(await page.getByLabel('The codes').inputValue(), /^serial,code\nSN-61,.{9}\nSN-62,.{9}\n/);
  assert.match(await server.run('fleet', 'list'), /SN-61/);
  assert.deepEqual(wrong, []);
  await context.close();
});

test('whoever runs a unit says by keyboard alone that a device is lost, and sees nothing of another unit', async () => {
  const { context, page } = await signsIn('manager-mia');
  await goes(page, 'Fleet');
  assert.doesNotMatch(await page.locator('main').textContent(), /5 West|SN-51/);
  const tab = async (wanted) => {
    for (let n = 0; n < 60; n += 1) {
      await page.keyboard.press('Tab');
      const here = await page.evaluate(() => {
        const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
        return { text: (document.activeElement.textContent || document.activeElement.id).trim(), seen: outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2 };
      });
      assert.ok(here.seen, `the focus on ${here.text} is not seen`);
      if (here.text.startsWith(wanted)) return;
    }
    assert.fail(`${wanted} is not reached by keyboard`);
  };
  await tab('Skip to the contents');
  await page.keyboard.press('Enter');
  await tab('SN-14');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 1, name: 'Device SN-14' }).waitFor();
  await tab('It is lost');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 1, name: 'Is this device lost?' }).waitFor();
  await tab('Yes, I am sure');
  await page.keyboard.press('Enter');
  await page.getByRole('status').filter({ hasText: 'shut out' }).waitFor();
  assert.equal(await page.locator('#state').textContent(), 'lost');
  await context.close();
});

test('a privacy officer finds in the trail who did what, and stands in it', async () => {
  const { context, page, wrong } = await signsIn('officer-dana');
  await goes(page, 'Audit trail');
  await page.getByLabel('Member of staff').fill('mia lund');
  await page.getByLabel('Kind').selectOption('fleet');
  await page.getByRole('button', { name: 'Look' }).click();
  const first = (words) => page.locator('#rows tbody tr').first().filter({ hasText: words }).waitFor();
  await first(/Mia Lund.*fleet\.device.*device SN-14.*lost/s);
  assert.equal(page.url(), `${server.url}/console/audit`, 'what is looked for is in no address');
  await page.getByLabel('Member of staff').fill('');
  await page.getByLabel('Kind').selectOption('audit-read');
  await page.getByRole('button', { name: 'Look' }).click();
  await first(/Dana Reed.*staff\.audit\.search/s);
  await page.getByLabel('About whom').fill('nowhere|1');
  await page.getByRole('button', { name: 'Look' }).click();
  await page.getByRole('alert').filter({ hasText: 'nobody here' }).waitFor();
  assert.deepEqual(wrong, []);
  await context.close();
  const nurse = await signsIn('nurse-ada');
  assert.equal(await nurse.page.getByRole('link', { name: 'Audit trail' }).count(), 0);
  assert.equal(await nurse.page.evaluate(async () => (await fetch('/console/audit')).status), 403);
  await nurse.context.close();
});

for (const colorScheme of ['light', 'dark']) {
  test(`every page of the console and of /me can be read by everybody, ${colorScheme}`, async () => {
    await says('can I get some water', 'help, I have fallen');
    const options = { colorScheme, viewport: { width: 1180, height: 760 } };
    const locked = await visit(browser, `${server.url}/console`, options);
    await readable(locked.page, 'the console before signing in');
    await locked.page.goto(`${server.url}/console/fleet`);
    await readable(locked.page, 'a page of somebody who is not signed in');
    await locked.context.close();
    for (const [login, what] of [['nurse-ada', 'board'], ['doctor-patel', 'inbox'], ['manager-mia', 'rooms'], ['officer-dana', 'reviews'], ['operator-olga', 'machine']]) {
      const { context, page } = await signsIn(login, options);
      if (login === 'nurse-ada') {
        await page.locator('#calls .call.emergency').first().waitFor();
        await page.waitForFunction(() => document.querySelector('#map tbody tr'));
        if (colorScheme === 'light') {
          await picture(page, 'console-board');
          await page.locator('#fleet').scrollIntoViewIfNeeded();
        }
        assert.deepEqual(await page.evaluate(() => ['alarm', 'news'].map((id) => document.getElementById(id).role ?? document.getElementById(id).getAttribute('role'))), ['alert', 'status']);
      }
      await readable(page, what);
      if (login === 'manager-mia' && colorScheme === 'light') {
        await page.locator('#fleet').evaluate((section) => section.scrollIntoView());
        await picture(page, 'console-rooms');
      }
      if (login === 'manager-mia' || login === 'operator-olga') {
        await goes(page, 'Fleet');
        await readable(page, 'the fleet');
        if (login === 'operator-olga' && colorScheme === 'light') await picture(page, 'console-fleet');
        await page.getByRole('link', { name: '4 West', exact: true }).click();
        await page.getByRole('heading', { level: 1, name: 'Mercy / 4 West' }).waitFor();
        await readable(page, 'a place');
        await page.getByRole('link', { name: 'SN-12' }).click();
        await page.getByRole('heading', { level: 1, name: 'Device SN-12' }).waitFor();
        await readable(page, 'a device');
        await page.getByRole('button', { name: 'Take it out of use' }).click();
        await page.getByRole('heading', { level: 1, name: 'out of use for good?' }).waitFor();
        await readable(page, 'a question before something grave');
        await page.goto(`${server.url}/console/fleet/table`);
        await readable(page, 'a table');
      }
      if (login === 'officer-dana') {
        await goes(page, 'Audit trail');
        await page.getByRole('button', { name: 'Look' }).click();
        await page.locator('#rows tbody tr').first().waitFor();
        await readable(page, 'the trail');
        if (colorScheme === 'light') await picture(page, 'console-audit');
      }
      await context.close();
    }
    const link = await server.link('--channel', 'chat', '--as', rosa);
    const own = await visit(browser, link.replace('/#', '/me#'), options);
    await until(own.page, 'ready');
    await readable(own.page, '/me');
    await own.context.close();
  });
}

test('who it was and what they looked for stand in no log', () => {
  for (const word of ['Ada Quill', 'Dana', 'Mia Lund', 'mia lund', 'nowhere|1', 'SN-17', 'water', 'Delgado']) {
    assert.equal(server.log().includes(word), false, word);
  }
});
