// The talk page in a real browser, in front of the real server: a WAV file speaks into the microphone, keys are
// pressed, and the answer is heard. Run: npm --prefix tests/web test

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { join } from 'node:path';

import { answer, launch, until, visit } from './browser.mjs';
import { root, start } from './server.mjs';
import { seconds } from './wav.mjs';

/** What is said into the microphone, and what must come of it. */
const SPOKEN = { wav: join(root, 'audio-fixtures/nurse-water.wav'), words: /water/i, intent: 'nurse.request' };
const TYPED = { text: 'who can hear this', intent: 'privacy.how_protected' };

let server;
let browser;

before(async () => {
  server = await start();
  browser = await launch(SPOKEN.wav);
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

const signedIn = async (options, ...grant) => visit(browser, await server.link(...(grant.length ? grant : ['--channel', 'room', '--room', 'room-12'])), options);

async function spotless({ seen }, url = server.url) {
  assert.deepEqual(seen.errors, [], 'errors in the console');
  assert.deepEqual([...seen.hosts], [new URL(url).host], 'the page talks to its own server alone');
}

test('a one-time link signs in, leaves no trace, and works once', async () => {
  const link = server.first;
  const visited = await visit(browser, link);
  const { context, page } = visited;
  assert.equal(await page.evaluate(() => document.body.dataset.state), 'ready');
  assert.equal(page.url(), `${server.url}/`, 'the secret has left the address bar');
  const [cookie] = await context.cookies();
  assert.equal(cookie.httpOnly, true);
  assert.equal(cookie.sameSite, 'Strict');
  assert.equal(await page.evaluate(() => document.cookie), '', 'scripts cannot read the credential');
  assert.deepEqual(await page.evaluate(() => [localStorage.length, sessionStorage.length]), [0, 0]);
  await page.reload();
  await until(page, 'ready');
  await spotless(visited);
  await context.close();

  const again = await visit(browser, link);
  assert.equal(await again.page.evaluate(() => document.body.dataset.state), 'locked');
  assert.match(await again.page.getByRole('alert').textContent(), /used already/);
  assert.equal(await again.page.locator('#hold').isDisabled(), true);
  await again.context.close();

  const without = await visit(browser, server.url);
  assert.match(await without.page.getByRole('alert').textContent(), /open the link you were given/);
  await without.context.close();
});

test('hold to talk: heard, understood, answered aloud', async () => {
  const visited = await visit(browser, await server.link('--channel', 'room', '--room', 'room-12'));
  const { context, page } = visited;
  const button = page.getByRole('button', { name: 'Hold to talk' });
  await button.hover();
  await page.mouse.down();
  await until(page, 'listening');
  await page.waitForTimeout(seconds(SPOKEN.wav) * 1000 + 300);
  await page.mouse.up();
  const { card, heard, intent, reply } = await answer(page, 1);
  assert.match(heard, SPOKEN.words);
  assert.equal(intent, SPOKEN.intent);
  assert.ok(reply.length > 5, reply);
  assert.equal(await card.getAttribute('data-sound'), 'playing');
  const length = Number(await card.getAttribute('data-seconds'));
  assert.ok(length > 0.3, `the answer sounds for ${length} s`);
  await page.waitForFunction(() => document.querySelector('.turn').dataset.sound === 'played', null, { timeout: 30_000 });
  await until(page, 'ready');
  await card.locator('summary').click();
  for (const stage of ['asr', 'nlu', 'policy', 'action', 'store', 'speech']) {
    assert.match(await card.locator(`.stage-${stage}`).textContent(), /^\d+(\.\d)? ms$/);
  }
  assert.notEqual(await card.locator('.stage-asr').textContent(), '0.0 ms', 'it went through hearing');
  await card.getByRole('button', { name: 'Hear it again' }).click();
  await until(page, 'speaking');
  await spotless(visited);
  await context.close();
});

test('a tap listens until the next tap, for hands that cannot hold', async () => {
  const { context, page } = await signedIn();
  await page.locator('#hold').click({ delay: 50 });
  await until(page, 'listening');
  assert.match(await page.getByRole('status').textContent(), /Press again/);
  await page.waitForTimeout(seconds(SPOKEN.wav) * 1000 + 300);
  await page.locator('#hold').click({ delay: 50 });
  const { heard } = await answer(page, 1);
  assert.match(heard, SPOKEN.words);
  await context.close();
});

test('the bare click of a screen reader starts and sends', async () => {
  const { context, page } = await signedIn();
  await page.locator('#hold').evaluate((button) => button.click());
  await until(page, 'listening');
  await page.waitForTimeout(seconds(SPOKEN.wav) * 1000 + 300);
  await page.locator('#hold').evaluate((button) => button.click());
  const { heard } = await answer(page, 1);
  assert.match(heard, SPOKEN.words);
  await context.close();
});

test('Escape, and hiding the page, throw away what was said', async () => {
  const { context, page } = await signedIn();
  const turns = [];
  page.on('request', (request) => { if (request.url().endsWith('/v1/turns')) turns.push(request); });
  await page.locator('#hold').click({ delay: 50 });
  await until(page, 'listening');
  await page.keyboard.press('Escape');
  await until(page, 'ready');
  await page.waitForTimeout(600);
  assert.equal(turns.length, 0);
  await context.close();
});

test('everything works from the keyboard', async () => {
  const visited = await signedIn();
  const { context, page } = visited;
  const focus = () => page.evaluate(() => document.activeElement.id || document.activeElement.className || document.activeElement.tagName);
  const reached = [];
  for (let i = 0; i < 4; i += 1) {
    await page.keyboard.press('Tab');
    reached.push(await focus());
    const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineWidth);
    assert.ok(parseFloat(outline) >= 3, `focus on ${reached.at(-1)} shows: ${outline}`);
  }
  assert.deepEqual(reached, ['aloud', 'hold', 'say', 'send']);

  await page.locator('#hold').focus();
  await page.keyboard.down('Space');
  await until(page, 'listening');
  await page.waitForTimeout(seconds(SPOKEN.wav) * 1000 + 300);
  await page.keyboard.up('Space');
  const spoken = await answer(page, 1);
  assert.match(spoken.heard, SPOKEN.words);
  await until(page, 'ready speaking');

  await page.locator('#say').focus();
  await page.keyboard.type(TYPED.text);
  await page.keyboard.press('Enter');
  const written = await answer(page, 2);
  assert.equal(written.heard, TYPED.text);
  assert.equal(written.intent, TYPED.intent);
  assert.equal(await page.locator('#say').inputValue(), '');
  assert.equal(await focus(), 'say', 'the next sentence can be typed at once');
  await spotless(visited);
  await context.close();
});

test('a conversation goes on, and answers can be silent', async () => {
  const { context, page } = await signedIn();
  const bodies = [];
  page.on('request', (request) => { if (request.url().endsWith('/v1/turns')) bodies.push(request.postDataJSON()); });
  await page.getByRole('button', { name: /Answers aloud/ }).click();
  assert.equal(await page.locator('#aloud').getAttribute('aria-pressed'), 'false');
  for (const [i, text] of [TYPED.text, 'say that again'].entries()) {
    await page.locator('#say').fill(text);
    await page.getByRole('button', { name: 'Send' }).click();
    const { card } = await answer(page, i + 1);
    assert.equal(await card.getAttribute('data-sound'), null);
    await until(page, 'ready');
  }
  assert.ok(bodies[0].session);
  assert.equal(bodies[0].session, bodies[1].session, 'the second turn belongs to the same conversation');
  assert.notEqual(bodies[0].turn_id, bodies[1].turn_id);
  assert.equal(bodies[1].speak, false);
  await context.close();
});

test('what is said is shown as text, never as markup', async () => {
  const { context, page } = await signedIn();
  await page.locator('#say').fill('<img src=x onerror="document.title=1"><b>bold</b>');
  await page.keyboard.press('Enter');
  const { card, heard } = await answer(page, 1);
  assert.match(heard, /<b>bold<\/b>/);
  assert.equal(await card.locator('img').count(), 0);
  assert.equal(await page.title(), 'Wellspoken');
  await context.close();
});

test('a screen reader is told what there is and what happens', async () => {
  const { context, page } = await signedIn();
  const tree = await page.locator('body').ariaSnapshot();
  for (const part of [
    'heading "Wellspoken" [level=1]', 'region "Conversation"', 'log', 'region "Talk"', 'button "Hold to talk"', 'status',
    'textbox "Or type"', 'button "Send"', 'contentinfo', 'banner', 'main',
  ]) {
    assert.ok(tree.includes(part), `${part} is missing in:\n${tree}`);
  }
  assert.equal(await page.locator('html').getAttribute('lang'), 'en');
  const described = await page.locator('#hold').evaluate((b) => document.getElementById(b.getAttribute('aria-describedby')).textContent);
  assert.match(described, /press it once to start/);
  await page.locator('#say').fill(TYPED.text);
  await page.keyboard.press('Enter');
  await answer(page, 1);
  assert.match(await page.getByRole('log').ariaSnapshot(), /article/);
  await context.close();
});

/** The lowest contrast of text against what is behind it, by WCAG 2.2 (1.4.3). */
function lowestContrast() {
  const canvas = Object.assign(document.createElement('canvas'), { width: 1, height: 1 });
  const paint = canvas.getContext('2d', { willReadFrequently: true });
  const rgba = (color) => {
    paint.clearRect(0, 0, 1, 1);
    paint.fillStyle = color;
    paint.fillRect(0, 0, 1, 1);
    return [...paint.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = rgba(getComputedStyle(at).backgroundColor);
      if (color[3] > 250) return color;
    }
    return [255, 255, 255, 255];
  };
  let lowest = { ratio: 21, text: '' };
  for (const element of document.querySelectorAll('body *')) {
    const text = [...element.childNodes].filter((n) => n.nodeType === 3).map((n) => n.data.trim()).join('');
    if (!text || !element.checkVisibility() || element.closest(':disabled')) continue;
    const [a, b] = [light(rgba(getComputedStyle(element).color)), light(behind(element))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < lowest.ratio) lowest = { ratio, text: text.slice(0, 40) };
  }
  return lowest;
}

test('text stands out, by day and by night', async () => {
  for (const colorScheme of ['light', 'dark']) {
    const { context, page } = await signedIn({ colorScheme });
    await page.locator('#say').fill(TYPED.text);
    await page.keyboard.press('Enter');
    await answer(page, 1);
    await until(page, 'ready speaking');
    const { ratio, text } = await page.evaluate(lowestContrast);
    assert.ok(ratio >= 4.5, `${colorScheme}: contrast ${ratio.toFixed(2)} of "${text}"`);
    await context.close();
  }
});

test('it fits a narrow screen, and holds still for whom motion makes ill', async () => {
  for (const viewport of [{ width: 320, height: 568 }, { width: 390, height: 844 }, { width: 1024, height: 600 }]) {
    const { context, page } = await signedIn({ viewport, reducedMotion: 'reduce' });
    await page.locator('#say').fill(TYPED.text);
    await page.keyboard.press('Enter');
    await answer(page, 1);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(wide <= viewport.width, `${viewport.width}: the page is ${wide} wide`);
    const size = await page.locator('#hold').boundingBox();
    assert.ok(size.width >= 44 && size.height >= 44);
    const moving = await page.evaluate(() => document.getAnimations().length);
    assert.equal(moving, 0);
    await context.close();
  }
});

test('a page of somebody else cannot speak for the person', async () => {
  const { context, page, seen } = await signedIn();
  const stranger = createServer((_, response) => response.setHeader('content-type', 'text/html').end('<title>x</title>'));
  await new Promise((done) => stranger.listen(0, '127.0.0.1', done));
  await page.goto(`http://127.0.0.1:${stranger.address().port}/`);
  seen.errors.length = 0;
  const tried = await page.evaluate(async (url) => {
    const attempts = {};
    const turn = (type) => ({ method: 'POST', credentials: 'include', headers: { 'Content-Type': type }, body: '{"text":"who can hear this"}' });
    attempts.json = await fetch(`${url}/v1/turns`, turn('application/json')).then((r) => r.status, () => 'blocked');
    attempts.simple = await fetch(`${url}/v1/turns`, { ...turn('text/plain'), mode: 'no-cors' }).then((r) => r.type, () => 'blocked');
    attempts.read = await fetch(`${url}/v1/session`, { credentials: 'include' }).then((r) => r.status, () => 'blocked');
    const frame = document.createElement('iframe');
    frame.src = url;
    document.body.append(frame);
    await new Promise((done) => { frame.onload = done; setTimeout(done, 2000); });
    attempts.frame = (() => { try { return Boolean(frame.contentDocument?.querySelector('#hold')); } catch { return 'blocked'; } })();
    return attempts;
  }, server.url);
  assert.equal(tried.json, 'blocked');
  assert.equal(tried.read, 'blocked');
  assert.notEqual(tried.frame, true);
  // With the cookie and a wrong Origin the server itself says no, whatever a browser would have done.
  const [cookie] = await context.cookies(server.url);
  const answer = await fetch(`${server.url}/v1/turns`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'Cookie': `${cookie.name}=${cookie.value}`, 'Origin': 'http://127.0.0.1:1' },
    body: '{"text":"who can hear this"}',
  });
  assert.equal(answer.status, 403);
  stranger.close();
  await context.close();
});

test('what rings is heard once, and says nothing of what it is', async () => {
  const visited = await signedIn({}, '--channel', 'home', '--room', 'kitchen');
  const { page, context } = visited;
  const told = [];
  let due = [{ id: 'news', at: '2026-05-04T10:00:00Z', chime: 'news', text: 'There is something new.', ssml: '' }];
  let noted = true;
  assert.deepEqual(await page.evaluate(async () => (await fetch('/v1/device/due')).json()), { due: [] }, 'a page may ask');
  await page.route('**/v1/device/due', (route) => route.fulfill({ json: { due } }));
  await page.route('**/v1/device/rang', (route) => {
    told.push(route.request().postDataJSON());
    due = [];
    return route.fulfill({ json: { noted } });
  });
  await page.clock.install();
  await page.reload();
  await page.locator('.turn.ring.news').waitFor();
  assert.deepEqual(told, [{ id: 'news', at: '2026-05-04T10:00:00Z' }], 'it says so before it sounds');
  assert.equal(await page.locator('.turn.ring').getAttribute('data-sound'), 'silent', 'nobody has pressed anything yet');
  // Somebody uses the page; the next one is heard.
  await page.locator('#say').fill('what can you do');
  await page.locator('#send').click();
  await answer(page, 2);
  await page.clock.runFor(1000);
  await until(page, 'ready');
  due = [{ id: 'r1', at: '2026-05-04T10:01:00Z', chime: 'reminder', text: 'You have a reminder.', ssml: '' }];
  await page.clock.runFor(31_000);
  await page.locator('.turn.ring.reminder[data-sound=played]').waitFor();
  // Another device was quicker.
  noted = false;
  due = [{ id: 'r2', at: '2026-05-04T10:02:00Z', chime: 'reminder', text: 'Not here.', ssml: '' }];
  await page.clock.runFor(31_000);
  for (let i = 0; told.length < 3 && i < 100; i += 1) await new Promise((done) => { setTimeout(done, 20); });
  assert.equal(told.length, 3);
  assert.equal(await page.getByText('Not here.').count(), 0);
  await spotless(visited);
  await context.close();
});

test('without a microphone it says so and typing goes on', async () => {
  const deaf = await launch();
  try {
    const { page } = await visit(deaf, await server.link());
    await page.locator('#hold').click({ delay: 50 });
    await page.waitForFunction(() => document.querySelector('#alert').textContent !== '');
    assert.match(await page.getByRole('alert').textContent(), /microphone/);
    await page.locator('#say').fill(TYPED.text);
    await page.keyboard.press('Enter');
    assert.equal((await answer(page, 1)).intent, TYPED.intent);
  } finally {
    await deaf.close();
  }
});

test('when the server is gone, it says that nothing was done and where help is', async () => {
  const { context, page } = await signedIn();
  await page.route('**/v1/turns', (route) => route.abort());
  await page.locator('#say').fill('get me the nurse');
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => document.querySelector('#alert').textContent !== '');
  assert.match(await page.getByRole('alert').textContent(), /nothing was done.*call light/i);
  await until(page, 'ready');
  await context.close();
});

test('an answer that was lost is asked for again under the same name', async () => {
  const { context, page } = await signedIn();
  const names = [];
  await page.route('**/v1/turns', async (route) => {
    names.push(route.request().postDataJSON().turn_id);
    if (names.length > 1) return route.continue();
    await route.fetch();
    return route.abort();
  });
  await page.locator('#say').fill(TYPED.text);
  await page.keyboard.press('Enter');
  assert.equal((await answer(page, 1)).intent, TYPED.intent);
  assert.equal(names.length, 2);
  assert.equal(names[0], names[1]);
  await context.close();
});

test('a conversation, typed and spoken; PICTURE=1 takes the picture of it for the README', async () => {
  const { context, page } = await signedIn({ colorScheme: 'light', viewport: { width: 1280, height: 930 } });
  await page.locator('#say').fill('is my lisinopril ready');
  await page.keyboard.press('Enter');
  const typed = await answer(page, 1);
  assert.equal(typed.intent, 'prescription.status');
  assert.match(typed.reply, /lisinopril/);
  await until(page, 'ready');
  await page.locator('#hold').hover();
  await page.mouse.down();
  await until(page, 'listening');
  await page.waitForTimeout(seconds(SPOKEN.wav) * 1000 + 300);
  await page.mouse.up();
  const spoken = await answer(page, 2);
  assert.equal(spoken.intent, SPOKEN.intent);
  await until(page, 'ready');
  await spoken.card.locator('summary').click();
  await page.mouse.move(0, 0);
  await page.evaluate(() => { document.activeElement.blur(); scrollTo(0, 0); });
  await page.waitForTimeout(300);
  if (process.env.PICTURE) await page.screenshot({ path: join(root, 'docs/talk-page.png') });
  await context.close();
});

test('nothing that was said stands in the log', () => {
  // Where in the program a line comes from is no word of anybody's.
  const log = server.log().replaceAll(/"target":"wellspoken::[a-z_:]*"/g, '');
  assert.match(log, /"route":"\/v1\/turns"/, 'there is a log');
  for (const word of ['water', 'hear this', 'lisinopril', 'onerror', 'nurse', 'appointment']) {
    assert.ok(!log.includes(word), `"${word}" stands in the log`);
  }
});
