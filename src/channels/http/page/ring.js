// What rings by itself: a reminder that is due, and that there is news. Asking for it is no use of the page, so one that nobody
// uses is signed out all the same.

import { Refused, call, element, json } from '/page/server.js';

const EVERY_MS = 30_000;
// Two tones for news, three for a reminder: they are told apart without looking.
const TONES = { news: [880, 660], reminder: [660, 880, 990] };
const TONE_SECONDS = 0.18;

let asking = 0;

/** Asks now and then; `player()` gives a player that may sound, or nothing; `add(card)` shows what rang; `ended()` is called once nobody is signed in. */
export function ringing(doors) {
  clearInterval(asking);
  asking = setInterval(() => look(doors), EVERY_MS);
  look(doors);
}

export function still() {
  clearInterval(asking);
}

async function look(doors) {
  try {
    const { due } = await call('/v1/device/due');
    for (const one of due) await ring(one, doors);
  } catch (error) {
    if (!(error instanceof Refused)) return;
    // Another time, where the server only cannot just now.
    if (error.status === 401) doors.ended();
    if (error.status < 500) still();
  }
}

/** Of several devices, the one whose word comes first makes the sound. */
async function ring({ id, at, chime, text }, { player, add }) {
  const { noted } = await call('/v1/device/rang', json('POST', { id, at }));
  if (!noted) return;
  const card = element('article', `turn ring ${chime}`);
  card.append(element('p', 'reply', text));
  const sounding = player();
  card.dataset.sound = sounding ? 'played' : 'silent';
  if (sounding) sound(sounding, TONES[chime] ?? TONES.news);
  add(card);
}

function sound(player, tones) {
  tones.forEach((tone, n) => {
    const [source, volume] = [player.createOscillator(), player.createGain()];
    const begins = player.currentTime + n * TONE_SECONDS;
    source.frequency.value = tone;
    volume.gain.setValueAtTime(0.2, begins);
    volume.gain.exponentialRampToValueAtTime(0.001, begins + TONE_SECONDS);
    source.connect(volume).connect(player.destination);
    source.start(begins);
    source.stop(begins + TONE_SECONDS);
  });
}
