// Chromium without a screen, with a WAV file as its microphone.

import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

const PATHS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** `wav` is what the microphone hears once it is opened; without one it is refused. */
export function launch(wav) {
  const executablePath = process.env.CHROMIUM ?? PATHS.find(existsSync);
  if (!executablePath) throw new Error(`no Chromium at ${PATHS.join(', ')}; install it, or name it in CHROMIUM`);
  const microphone = wav
    ? ['--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream', `--use-file-for-fake-audio-capture=${wav}%noloop`]
    : ['--deny-permission-prompts'];
  return chromium.launch({
    executablePath,
    args: [
      '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync', '--autoplay-policy=user-gesture-required', ...microphone,
    ],
  });
}

/** A page that remembers what went wrong on it and whom it talked to. */
export async function visit(browser, url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1180, height: 820 }, ...options });
  const page = await context.newPage();
  const seen = { errors: [], hosts: new Set() };
  page.on('console', (message) => { if (message.type() === 'error') seen.errors.push(message.text()); });
  page.on('pageerror', (error) => seen.errors.push(String(error)));
  page.on('request', (request) => {
    const { protocol, host } = new URL(request.url());
    if (protocol !== 'blob:' && protocol !== 'data:') seen.hosts.add(host);
  });
  await page.goto(url);
  await page.waitForFunction(() => document.body.dataset.state !== 'starting');
  return { context, page, seen };
}

/** Waits until the page is doing this. */
export const until = (page, state) =>
  page.waitForFunction((wanted) => wanted.split(' ').includes(document.body.dataset.state), state, { timeout: 30_000 });

/** The last answer, once there are `count` of them. */
export async function answer(page, count) {
  const card = page.locator('.turn').nth(count - 1);
  await card.waitFor({ timeout: 30_000 });
  return {
    card,
    heard: (await card.locator('.words').allTextContents()).join(''),
    intent: await card.locator('.intent').textContent(),
    reply: await card.locator('.reply').textContent(),
    state: (await card.getAttribute('class')).replace('turn ', ''),
  };
}
