// The staff's page: calls, rooms, records, broken glass, reviews. It shows what the roles of whoever is signed in allow, and
// the server decides. It keeps nothing: a record is on the screen until it is closed, the session in a cookie scripts cannot read.

import { admissions } from '/page/console/admissions.js';
import { Board } from '/page/console/board.js';
import { fleet } from '/page/console/fleet.js';
import { renewals } from '/page/console/renewals.js';
import { Refused, call, element, json } from '/page/server.js';
import { TOLD, cameBack, offer } from '/page/sign-in.js';

// The board is looked at again by itself. That keeps nobody signed in.
const AGAIN_MS = 15_000;

const $ = (id) => document.getElementById(id);

const ask = (path, value) => call(`/v1/staff/${path}`, value && json('POST', value));

function complain(words) {
  $('alert').textContent = words;
}

function button(words, act) {
  const made = element('button', '', words);
  made.type = 'button';
  made.addEventListener('click', () => doing(made, act));
  return made;
}

/** Does something once, and says what went wrong with it. */
async function doing(control, act) {
  control.disabled = true;
  complain('');
  try {
    await act();
  } catch (error) {
    if (error instanceof Refused && error.status === 401) {
      gone();
    } else {
      complain(error instanceof Refused ? `That was not done: ${error.message}.` : 'The server does not answer; nothing was done.');
    }
  } finally {
    control.disabled = false;
  }
}

/** Whoever was signed in is not any more: nothing of what they saw stays on the screen. */
function gone(words = 'You are not signed in any more. Please sign in again.') {
  clearInterval(timer);
  clearInterval(mapTimer);
  clearInterval(admissionsTimer);
  calls.stop();
  shut();
  for (const id of ['board', 'results', 'people', 'renewals', 'fills', 'glass', 'reviews', 'fleet', 'admissions', 'message']) $(id).hidden = true;
  for (const id of ['to-tell', 'rooms', 'inbox', 'counter', 'queue', 'who', 'messages', 'message-text', 'admissions-news']) $(id).replaceChildren();
  $('map').tBodies[0].replaceChildren();
  $('pages').hidden = true;
  $('enter').hidden = false;
  $('leave').hidden = true;
  document.body.dataset.state = 'locked';
  complain(words);
}

// ---- The board ----------------------------------------------------------------------------------------

let timer = 0;
let mapTimer = 0;
let admissionsTimer = 0;
const clock = (at) => new Date(at).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });

const calls = new Board(ask, button);

// ---- Results that a clinician tells first ----------------------------------------------------------------

async function results() {
  const { results: all } = await ask('results');
  const shown = new Set([...$('to-tell').children].map((row) => row.dataset.id));
  const now = new Set(all.map((one) => one.id));
  // Rows that are there stay as they are: somebody may be writing in one.
  for (const row of [...$('to-tell').children]) if (!now.has(row.dataset.id)) row.remove();
  $('to-tell').append(...all.filter((one) => !shown.has(one.id)).map((one) => {
    const row = element('li', 'review');
    row.dataset.id = one.id;
    const words = element('input', 'finding');
    words.placeholder = 'What you told them';
    words.maxLength = 500;
    words.setAttribute('aria-label', 'What you told them');
    row.append(
      element('time', '', new Date(one.requested).toLocaleString()),
      element('span', 'words', `${one.room || 'not in a room'}: ${one.about ?? 'whose it was has been forgotten'}`),
      words,
      button('I have told them', async () => { await ask('results/told', { id: one.id, words: words.value }); await results(); }),
    );
    return row;
  }));
  if (all.length === 0) $('to-tell').append(element('li', 'none', 'Nothing.'));
}

// ---- Rooms and records --------------------------------------------------------------------------------

async function rooms() {
  const { people } = await ask('people');
  $('rooms').replaceChildren(...people.map(({ room, person }) => {
    const row = element('li');
    row.append(element('span', 'words', room));
    if (rights.has('record')) row.append(button('Open the record', () => open(person)));
    return row;
  }));
  if (people.length === 0) $('rooms').append(element('li', 'none', 'No room of your units is occupied.'));
}

let opened = null;

async function open(person) {
  const record = await ask('record', { person });
  opened = { person, glass: Boolean(record.until) };
  $('under').textContent = record.until ? `Under broken glass until ${clock(record.until)}.` : '';
  const list = (title, all, tell) => {
    const box = element('ul');
    box.append(...(all.length ? all.map((one) => element('li', '', tell(one))) : [element('li', '', 'None on record here.')]));
    return [element('h3', '', title), box];
  };
  const text = (...parts) => parts.filter(Boolean).join(', ');
  $('shown').replaceChildren(
    element('p', 'name', text(record.name, record.birth && `born ${record.birth}`)),
    ...(record.copied ? [element('p', 'quiet', age(record.copied))] : []),
    ...list('Medicines', record.medicines, (m) => text(m.medicine, m.strength, m.instructions, !m.active && 'ended')),
    ...list('Allergies', record.allergies, (a) => text(a.substance, ...a.reactions)),
    ...list('Results', record.results, (r) => text(`${r.test} ${r.value} ${r.unit ?? ''}`.trim(), r.comment)),
    ...list('Measured', record.vitals, (v) => text(`${v.measure} ${v.value} ${v.unit}`, new Date(v.taken).toLocaleString(), v.by)),
    ...list('Conditions', record.conditions, (c) => text(c.name, c.status, !c.confirmed && 'not confirmed', c.onset && `since ${c.onset}`)),
    ...list('Vaccinations', record.immunizations, (i) => text(i.vaccine, i.given, i.by)),
    ...list('Visits', record.visits, (v) => text(new Date(v.start).toLocaleString(), v.provider, v.place, v.reason)),
    ...list('Treated by', record.care_team, (c) => text(c.name, c.specialty)),
  );
  $('record').hidden = false;
  $('record').scrollIntoView({ block: 'nearest' });
}

/** What a copy of a server's record is as of. */
function age({ from, read }) {
  const when = read ? `read ${new Date(read).toLocaleString()}` : 'some of it was never read';
  return `A copy of the record at ${from}; ${when}.`;
}

function shut() {
  opened = null;
  $('shown').replaceChildren();
  $('record').hidden = true;
}

$('shut').addEventListener('click', () => doing($('shut'), async () => {
  const was = opened;
  shut();
  if (was?.glass) await ask('break-glass/shut', { person: was.person });
}));

$('break').addEventListener('submit', (event) => {
  event.preventDefault();
  doing(event.submitter ?? $('whom'), async () => {
    const whom = $('whom').value.trim();
    const named = whom.includes('|') ? { identifier: whom } : { person: whom };
    const { person } = await ask('break-glass', { ...named, reason: $('reason').value });
    $('break').reset();
    await open(person);
  });
});

// ---- Reviews ------------------------------------------------------------------------------------------

async function reviews() {
  const { reviews: open } = await ask('reviews');
  $('queue').replaceChildren(...open.map((review) => {
    const row = element('li', 'review');
    const what = review.kind === 'break-glass'
      ? `broke glass to ${review.person}: “${review.reason ?? 'the reason can no longer be read'}”`
      : `opened ${review.people} people new to them (entries ${review.entries[0]} to ${review.entries.at(-1)})`;
    const finding = element('input', 'finding');
    finding.placeholder = 'What came of it';
    finding.maxLength = 500;
    finding.setAttribute('aria-label', 'What came of it');
    row.append(
      element('time', '', new Date(review.raised).toLocaleString()),
      element('span', 'words', `${review.name ?? review.who} ${what}`),
      finding,
      button('Settle', async () => { await ask('reviews/settle', { id: review.id, finding: finding.value }); await reviews(); }),
    );
    return row;
  }));
  if (open.length === 0) $('queue').append(element('li', 'none', 'Nothing.'));
}

// ---- Signing in ---------------------------------------------------------------------------------------

let rights = new Set();

async function start() {
  const word = cameBack();
  let me = null;
  try {
    me = await ask('me');
  } catch (error) {
    if (!(error instanceof Refused) || error.status !== 401) complain('The server does not answer. Please open this page again in a while.');
  }
  await offer({
    address: '/v1/staff/sign-in', session: '/v1/staff/session', enter: $('enter'), leave: $('leave'), signedIn: me !== null, call, complain,
  }).catch(() => {});
  if (!me) {
    document.body.dataset.state = 'locked';
    if (TOLD[word]) complain(TOLD[word]);
    return;
  }
  rights = new Set(me.rights);
  $('to-fleet').hidden = !rights.has('fleet');
  $('to-audit').hidden = !rights.has('search-audit');
  $('pages').hidden = $('to-fleet').hidden && $('to-audit').hidden;
  $('who').textContent = `${me.name} (${me.roles.join(', ')})`;
  const { inbox, fills } = renewals({ ask, element, button });
  const { map } = fleet({
    ask: (path, value) => call(`/v1/fleet/${path}`, value && json('POST', value)),
    calls: async () => (rights.has('board') ? (await ask('requests')).requests : []),
    element, doing,
  });
  const messages = admissions({ ask, element, button, rights });
  $('announce').hidden = !rights.has('announce');
  const shown = [
    ['board', () => calls.look(), 'board'], ['tell-results', results, 'results'], ['people', rooms, 'people'], ['renewals', inbox, 'renewals'],
    ['fills', fills, 'fills'], ['reviews', reviews, 'reviews'], ['fleet', map, 'fleet'],
    ['admissions', messages.list, 'admissions'],
  ];
  for (const [right, show, id] of shown) {
    if (!rights.has(right)) continue;
    $(id).hidden = false;
    await doing($(id), show);
  }
  $('glass').hidden = !rights.has('break-glass');
  if (rights.has('board')) {
    // Should the watching break off, the board is looked at again all the same.
    const again = async () => {
      await calls.look();
      if (rights.has('tell-results')) await results();
    };
    const lost = (e) => { if (e.status === 401) gone(); };
    timer = setInterval(() => again().catch(lost), AGAIN_MS);
    calls.watch(() => again().catch(lost));
  }
  if (rights.has('fleet')) {
    const look = () => map().catch((e) => { if (e.status === 401) gone(); });
    mapTimer = setInterval(look, AGAIN_MS);
  }
  if (rights.has('admissions')) {
    const look = () => messages.list().catch((e) => { if (e.status === 401) gone(); });
    admissionsTimer = setInterval(look, AGAIN_MS);
  }
  document.body.dataset.state = 'ready';
}

start();
