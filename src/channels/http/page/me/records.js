// Records of other organizations: what can be connected and what it would read, what is connected and how far, and ending
// it. Used by a person's own page and by the page for a code.

import { call, element, json, moment, Refused } from '/page/server.js';

const CAME_BACK = {
  done: 'Connected. I am fetching your records now.',
  refused: 'Nothing was connected: you, or the organization, said no.',
  stale: 'That took too long, or was begun in another window. Nothing was connected. Please begin again.',
  person: 'Those records are under another name or date of birth than here, so nothing was connected. If they are yours, ask the staff.',
  wrong: 'What the organization answered does not fit, so nothing was connected. Please tell the staff.',
  nameless: 'First say who you are, on your own page: only records under the same name and date of birth can be connected.',
  unavailable: 'The organization does not answer at the moment, so nothing was connected. Please try again in a while.',
};

const STATES = {
  importing: 'being fetched',
  ready: 'connected',
  lapsed: 'no longer let in: the organization takes our access no longer. Connect it again to get news',
  ended: 'disconnected; the law or your care team requires that what was fetched is kept for now',
};

const KINDS = {
  MedicationRequest: 'prescriptions', MedicationDispense: 'fillings', Appointment: 'appointments', Observation: 'results',
  AllergyIntolerance: 'allergies', Encounter: 'visits', Condition: 'conditions', Immunization: 'vaccinations',
  DiagnosticReport: 'reports', CareTeam: 'care teams',
};

let word = null;

/** Takes the word that the way back left out of the address. */
export function cameBack() {
  word = /^#records=([a-z]+)$/.exec(location.hash)?.[1] ?? word;
  if (word) history.replaceState(null, '', location.pathname);
}

/** Shows the section; false where nothing can be connected here. */
export async function show({ me, told }) {
  if (!me.connects) return false;
  const shown = await call('/v1/me/records');
  const said = document.getElementById('records-said');
  if (word) said.textContent = CAME_BACK[word] ?? '';
  word = null;
  draw(shown, told, said);
  return true;
}

function draw(shown, told, said) {
  const again = async () => draw(await call('/v1/me/records'), told, said);
  document.getElementById('records-connected').replaceChildren(
    ...shown.connections.map((one) => connection(one, shown.signed_in, again, told, said)),
  );
  const open = shown.organizations.filter((one) => !shown.connections.some((c) => c.name === one.name && c.state !== 'lapsed'));
  document.getElementById('records-offered').replaceChildren(...open.map((one) => offered(one, shown.named === one.id, told, said)));
  const busy = shown.connections.some((one) => one.state === 'importing');
  document.getElementById('records').setAttribute('aria-busy', String(busy));
  if (busy) setTimeout(() => again().catch(() => { said.textContent = told(new TypeError()); }), 1500);
}

function offered(one, named, told, said) {
  const item = element('li');
  const reads = element('details');
  reads.open = named;
  const list = element('ul');
  list.append(...one.asks.map((words) => element('li', undefined, words)));
  reads.append(element('summary', undefined, `What I would ask ${one.name} for`), list);
  const go = element('button', 'do', `Connect ${one.name}`);
  go.type = 'button';
  go.onclick = async () => {
    go.disabled = true;
    said.textContent = `One moment. ${one.name} will ask you to sign in.`;
    try {
      location.assign((await call('/v1/me/records', json('POST', { organization: one.id }))).go);
    } catch (error) {
      go.disabled = false;
      const words = error instanceof Refused && { no_provider: CAME_BACK.unavailable, nameless: CAME_BACK.nameless }[error.code];
      said.textContent = words || told(error);
    }
  };
  item.append(reads, go);
  return item;
}

function connection(one, signedIn, again, told, said) {
  const item = element('li');
  item.dataset.state = one.state;
  const since = one.fetched ? `, last fetched ${moment(one.fetched)}` : '';
  item.append(element('p', undefined, `${one.name}: ${STATES[one.state] ?? one.state}${since}.`));
  if (one.progress) {
    const bar = element('progress');
    Object.assign(bar, { value: one.progress.done, max: one.progress.of });
    bar.setAttribute('aria-label', `How much of ${one.name} is here`);
    item.append(bar, element('span', 'done', ` ${Math.floor((100 * one.progress.done) / one.progress.of)} %`));
  }
  const used = Object.entries(one.used).filter(([kind]) => KINDS[kind]).map(([kind, count]) => `${count} ${KINDS[kind]}`);
  if (used.length) item.append(element('p', undefined, `I use ${used.join(', ')}.`));
  if (one.missing.length) item.append(element('p', undefined, `${one.name} did not let me read: ${one.missing.join('; ')}.`));
  const skipped = Object.entries(one.skipped).map(([kind, count]) => (count ? `${kind} (${count})` : kind));
  if (skipped.length) {
    const more = element('details');
    more.append(element('summary', undefined, 'What I do not use'), element('p', undefined, skipped.join(', ')));
    item.append(more);
  }
  if (signedIn && one.state !== 'ended') item.append(end(one, again, told, said));
  return item;
}

/** Asks once more before anything goes. */
function end(one, again, told, said) {
  const button = element('button', 'do grave', one.progress ? `Stop fetching from ${one.name}` : `Disconnect ${one.name}`);
  button.type = 'button';
  button.onclick = async () => {
    if (button.dataset.sure !== 'asked') {
      button.dataset.sure = 'asked';
      button.textContent = `Yes, disconnect ${one.name} and delete what came from it`;
      return;
    }
    button.disabled = true;
    try {
      const { kept } = await call('/v1/me/records/disconnect', json('POST', { connection: one.id }));
      await again();
      said.textContent = kept
        ? `${one.name} is disconnected. What was fetched must be kept for now: the law or your care team requires it.`
        : `${one.name} is disconnected, and what came from it is deleted.`;
    } catch (error) {
      button.disabled = false;
      said.textContent = told(error);
    }
  };
  return button;
}
