// The talk page: hold to talk or type, be answered on the screen and aloud.
// It keeps nothing: the conversation lives in this tab, the credential in a cookie scripts cannot read.

import * as microphone from '/page/microphone.js';
import { ringing, still } from '/page/ring.js';
import { Refused, call, element, json } from '/page/server.js';
import { TOLD, cameBack, offer } from '/page/sign-in.js';

const MAX_SECONDS = 60;
// People let go a little before their last word is out.
const TAIL_MS = 300;
// Shorter is a tap: it starts listening, and the next tap sends.
const TAP_MS = 350;

const $ = (id) => document.getElementById(id);
const [body, hold, holdLabel, status, alertBox, turns, say] = [
  document.body, $('hold'), $('hold-label'), $('status'), $('alert'), $('turns'), $('say'),
];

// The page names its conversation itself, so that even a first turn can be sent again and never act twice.
let session = crypto.randomUUID();
let aloud = true;

// ---- What the page is doing, in one place -------------------------------------------------------------

const STATES = {
  locked: { status: '', label: 'Hold to talk' },
  ready: { status: 'Ready', label: 'Hold to talk' },
  opening: { status: 'Opening the microphone…', label: 'One moment' },
  listening: { status: 'Listening', label: 'Listening' },
  thinking: { status: 'One moment…', label: 'One moment' },
  speaking: { status: 'Answering', label: 'Hold to talk' },
};

function become(state, words = STATES[state].status) {
  body.dataset.state = state;
  status.textContent = words;
  holdLabel.textContent = STATES[state].label;
  const locked = state === 'locked';
  hold.disabled = locked;
  say.disabled = locked;
  $('send').disabled = locked || state === 'thinking';
}

function complain(words) {
  alertBox.textContent = words;
}

// ---- The server ---------------------------------------------------------------------------------------

/** Sends one turn; where the connection breaks, once more under the same name, which never acts twice. */
async function send(request) {
  try {
    return await call('/v1/turns', request);
  } catch (error) {
    if (error instanceof Refused && error.status !== 503) throw error;
    await new Promise((resolve) => setTimeout(resolve, 800));
    return call('/v1/turns', request);
  }
}

function typed(text) {
  return json('POST', { text, turn_id: crypto.randomUUID(), speak: aloud, session });
}

function recorded(wav) {
  return {
    method: 'POST',
    headers: {
      'Content-Type': 'audio/wav',
      'Accept': aloud ? 'application/json; audio=wav' : 'application/json',
      'Wellspoken-Turn': crypto.randomUUID(),
      'Wellspoken-Session': session,
    },
    body: wav,
  };
}

async function take(request) {
  complain('');
  become('thinking');
  try {
    const result = await send(request);
    session = result.session;
    const card = show(result);
    if (aloud && result.audio) {
      await play(result.audio, card);
    } else {
      become('ready');
    }
  } catch (error) {
    fail(error);
  }
}

function fail(error) {
  if (error instanceof Refused && error.status === 401) {
    lock('This page is not signed in any more. Ask for a new link.');
    return;
  }
  become('ready');
  if (error instanceof Refused && error.status === 413) {
    complain('That was too long for me. Please say it in a shorter way.');
  } else if (error instanceof Refused && error.status < 500) {
    complain(`I could not take that: ${error.message}.`);
  } else {
    complain('I cannot reach the server at the moment, so nothing was done. Please try again. If you need help now, use the call light or the telephone.');
  }
}

function lock(words) {
  still();
  become('locked', 'Not signed in');
  complain(words);
}

// ---- Showing ------------------------------------------------------------------------------------------

const STAGES = [
  ['asr', 'Hearing'], ['nlu', 'Understanding'], ['policy', 'Permission'], ['action', 'Doing'], ['store', 'Storing'], ['speech', 'Speaking'],
];

const milliseconds = (value) => `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;

function show(result) {
  $('welcome').hidden = true;
  const card = element('article', `turn ${result.state}`);
  const heard = element('p', 'heard');
  if (result.heard?.text) {
    heard.append('You: ', element('b', 'words', result.heard.text));
  } else {
    heard.textContent = 'Nothing was heard.';
  }
  const facts = element('div', 'facts');
  facts.append(element('span', 'chip intent', result.intent), element('span', 'chip time', milliseconds(result.timings_ms.total)));
  card.append(heard, element('p', 'reply', result.reply), facts, stages(result.timings_ms));
  turns.append(card);
  const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
  card.scrollIntoView({ block: 'nearest', behavior: calm ? 'auto' : 'smooth' });
  return card;
}

function stages(timings) {
  const details = element('details');
  details.append(element('summary', '', 'How long each step took'));
  const list = element('dl', 'stages');
  for (const [name, label] of STAGES) {
    const time = timings[name];
    if (typeof time !== 'number') continue;
    const bar = element('span', 'bar');
    bar.setAttribute('aria-hidden', 'true');
    const inner = element('i');
    inner.style.width = `${Math.min(100, (100 * time) / Math.max(timings.total, 1))}%`;
    bar.append(inner);
    list.append(element('dt', '', label), bar, element('dd', `stage-${name}`, milliseconds(time)));
  }
  details.append(list);
  return details;
}

// ---- Speaking -----------------------------------------------------------------------------------------

let player = null;
let playing = null;

/** Must be called while a press or a key is being handled: browsers keep pages silent otherwise. */
function wakePlayer() {
  player ??= new AudioContext();
  if (player.state === 'suspended') player.resume();
}

async function play(base64, card) {
  const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  wakePlayer();
  const sound = await player.decodeAudioData(bytes.buffer);
  if (!card.querySelector('.again')) {
    const again = element('button', 'again', 'Hear it again');
    again.type = 'button';
    again.addEventListener('click', () => play(base64, card).catch(fail));
    card.querySelector('.facts').append(again);
  }
  hush();
  const source = player.createBufferSource();
  source.buffer = sound;
  source.connect(player.destination);
  playing = source;
  source.onended = () => {
    if (playing !== source) return;
    playing = null;
    card.dataset.sound = 'played';
    if (body.dataset.state === 'speaking') become('ready');
  };
  card.dataset.sound = 'playing';
  card.dataset.seconds = sound.duration.toFixed(2);
  source.start();
  become('speaking');
}

function hush() {
  const source = playing;
  playing = null;
  source?.stop();
}

/** What rings by itself sounds only while nobody speaks, and once the browser lets a page sound at all. */
const bell = {
  player: () => (aloud && player?.state === 'running' && !playing && !wanted ? player : null),
  add(card) {
    $('welcome').hidden = true;
    turns.append(card);
  },
  ended: () => lock('This page is not signed in any more. Ask for a new link.'),
};

// ---- Hearing ------------------------------------------------------------------------------------------

let recording = null;
let wanted = false;
let pressedAt = 0;
let latched = false;
let limit = 0;
let attempt = 0;

async function listen() {
  if (wanted || ['locked', 'starting', 'thinking'].includes(body.dataset.state)) return;
  wanted = true;
  const mine = ++attempt;
  complain('');
  hush();
  wakePlayer();
  become('opening');
  try {
    const opened = await microphone.open((level) => hold.style.setProperty('--level', level.toFixed(3)));
    if (!wanted || mine !== attempt) {
      await opened.close();
      return;
    }
    recording = opened;
    become('listening', latched ? 'Listening. Press again when you are done.' : 'Listening');
    limit = setTimeout(finish, MAX_SECONDS * 1000);
  } catch (error) {
    if (mine !== attempt) return;
    wanted = false;
    latched = false;
    become('ready');
    complain(
      error.name === 'NotAllowedError'
        ? 'The browser keeps the microphone from me. Allow it beside the address, or type.'
        : 'There is no microphone I can use. You can type instead.',
    );
  }
}

/** Stops listening and sends what was said. */
async function finish() {
  clearTimeout(limit);
  latched = false;
  if (!wanted) return;
  const current = recording;
  if (!current) {
    wanted = false;
    become('ready', 'Hold until I say that I am listening.');
    return;
  }
  recording = null;
  await new Promise((resolve) => setTimeout(resolve, TAIL_MS));
  const wav = await current.close();
  wanted = false;
  hold.style.setProperty('--level', '0');
  await take(recorded(wav));
}

/** Stops listening and throws away what was said. */
async function forget() {
  clearTimeout(limit);
  latched = false;
  wanted = false;
  const current = recording;
  recording = null;
  if (!current) return;
  await current.close();
  become('ready', 'I stopped listening.');
}

function press() {
  if (latched) {
    finish();
    return;
  }
  pressedAt = performance.now();
  listen();
}

function letGo() {
  if (!pressedAt) return;
  const tap = performance.now() - pressedAt < TAP_MS;
  pressedAt = 0;
  if (tap && wanted) {
    latched = true;
    if (recording) become('listening', 'Listening. Press again when you are done.');
  } else {
    finish();
  }
}

// Assistive technology often sends a bare click: that starts, the next one sends.
let touchedAt = -Infinity;
const touched = () => { touchedAt = performance.now(); };

hold.addEventListener('pointerdown', (event) => {
  if (event.button !== 0) return;
  touched();
  hold.setPointerCapture(event.pointerId);
  press();
});
hold.addEventListener('pointerup', () => { touched(); letGo(); });
hold.addEventListener('pointercancel', () => { touched(); pressedAt = 0; forget(); });
hold.addEventListener('contextmenu', (event) => event.preventDefault());
hold.addEventListener('click', () => {
  if (performance.now() - touchedAt < 500) return;
  if (wanted) {
    finish();
  } else {
    latched = true;
    listen();
  }
});

const talkKey = (event) =>
  (event.target === hold && (event.key === ' ' || event.key === 'Enter')) || (event.target === body && event.key === ' ');

document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape' && wanted) forget();
  if (!talkKey(event) || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  touched();
  if (!event.repeat) press();
});
document.addEventListener('keyup', (event) => {
  if (event.key !== ' ' && event.key !== 'Enter') return;
  if (event.target === hold) event.preventDefault();
  if (!pressedAt) return;
  touched();
  letGo();
});
document.addEventListener('visibilitychange', () => { if (document.hidden) forget(); });

// ---- Typing and switches ------------------------------------------------------------------------------

$('type').addEventListener('submit', (event) => {
  event.preventDefault();
  const text = say.value.trim();
  if (!text || body.dataset.state === 'thinking') return;
  say.value = '';
  hush();
  if (aloud) wakePlayer();
  take(typed(text));
});

$('aloud').addEventListener('click', () => {
  aloud = !aloud;
  $('aloud').setAttribute('aria-pressed', String(aloud));
  $('aloud').querySelector('span').textContent = aloud ? 'on' : 'off';
  if (!aloud) {
    hush();
    if (body.dataset.state === 'speaking') become('ready');
  }
});

// ---- Signing in ---------------------------------------------------------------------------------------

const PLACES = { room: 'This room', home: 'At home', chat: 'Your own page', 'third-party': 'Public answers only' };

/** Signing in is beside the point where the server does not answer: the page says that already. */
const offerSignIn = (signedIn) =>
  offer({ address: '/v1/sign-in', session: '/v1/session', enter: $('enter'), leave: $('leave'), signedIn, call, complain }).catch(() => {});

async function start() {
  const word = cameBack();
  const link = location.hash.slice(1);
  // The secret leaves the address bar and the history before anything else happens.
  if (link) history.replaceState(null, '', location.pathname);
  let spent = false;
  try {
    let opened = null;
    if (link) opened = await call('/v1/session', json('POST', { link })).catch((e) => { if (e.status !== 403) throw e; spent = true; });
    opened ??= await call('/v1/session');
    $('place').textContent = PLACES[opened.channel] ?? '';
    await offerSignIn(opened.channel === 'chat');
    become('ready');
    if (['home', 'chat'].includes(opened.channel)) ringing(bell);
    if (TOLD[word]) complain(TOLD[word]);
  } catch (error) {
    if (error instanceof Refused && (error.status === 401 || error.status === 400)) {
      await offerSignIn(false);
      lock(spent
        ? 'This link has been used already or is too old. Ask for a new one.'
        : TOLD[word] ?? `To talk, ${$('enter').hidden ? '' : 'sign in, or '}open the link you were given. If you have none, ask the staff or whoever set this up.`);
    } else {
      lock('I cannot reach the server at the moment. Please open this page again in a while. If you need help now, use the call light or the telephone.');
    }
  }
}

addEventListener('hashchange', () => { if (location.hash.length > 1) start(); });
start();
