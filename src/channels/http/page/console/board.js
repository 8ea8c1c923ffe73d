// The calls of somebody's rooms, as they happen. A row stays the same element while its call is open, so that focus and what is
// being written in it are not lost. What is new is told to whoever cannot see it, an emergency at once.

import { element } from '/page/server.js';

const PHRASES = ['I am on my way', 'I will be there in a few minutes', 'Somebody is bringing it', 'I am with somebody and will come after'];
const clock = (at) => new Date(at).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });

const $ = (id) => document.getElementById(id);

/** What one reads of a call. */
function facts(request) {
  const box = element('div', 'facts');
  box.append(
    element('span', 'room', `${request.room}${request.emergency ? ': EMERGENCY' : ''}`),
    element('time', '', clock(request.requested)),
    element('span', 'words', request.need ?? '(the key of these words was destroyed)'),
    element('span', 'for', `${request.priority}, for ${request.role}`),
  );
  for (const again of request.again) box.append(element('span', 'again', `again ${clock(again.at)}: ${again.words ?? '(destroyed)'}`));
  const last = request.told.at(-1);
  if (last && !request.answered) {
    const whom = last.whom.length ? last.whom.join(', ') : 'nobody on duty';
    box.append(element('span', 'told', `told ${last.step} at ${clock(last.at)}: ${whom}`));
  }
  if (request.patient_says_cancel) box.append(element('span', 'cancel', 'says it is no longer needed'));
  if (request.stay_over) box.append(element('span', 'cancel', `asked by somebody who left the room at ${clock(request.stay_over)}`));
  if (request.acknowledged_by) box.append(element('span', 'by', `seen by ${request.acknowledged_by}${request.answered ? '' : ', asked again since'}`));
  for (const said of request.said) box.append(element('span', 'said', `${said.by} said: ${said.words ?? '(destroyed)'}`));
  return box;
}

export class Board {
  #ask;
  #button;
  #rows = new Map();
  #source = null;

  constructor(ask, button) {
    this.#ask = ask;
    this.#button = button;
  }

  /** Looks at all of it. */
  async look() {
    const { requests } = await this.#ask('requests');
    const open = new Set(requests.map((request) => request.id));
    for (const id of [...this.#rows.keys()]) if (!open.has(id)) this.#remove(id);
    requests.forEach((request) => this.#put(request));
    $('calls').append(...requests.map((request) => this.#rows.get(request.id).row).filter((row) => !row.contains(document.activeElement)));
    this.#none();
  }

  /** Watches from now on; `over` is called when that is not possible any more. */
  watch(over) {
    this.#source = new EventSource('/v1/staff/requests/live');
    this.#source.addEventListener('open', () => this.look().catch(over));
    const seen = ({ data }) => {
      const { what, id, room, request } = JSON.parse(data);
      if (request) this.#put(request); else this.#remove(id);
      this.#none();
      const news = { new: 'new call', changed: 'asked again or changed', escalated: 'nobody answered yet', paged: 'nobody answered, the pager was told', 'cancelled-by-patient': 'no longer needed', completed: 'done' }[what];
      if (news) $(request?.emergency ? 'alarm' : 'news').textContent = `${room}: ${news}${what === 'new' && request?.need ? `, ${request.need}` : ''}`;
    };
    for (const what of ['new', 'changed', 'assigned', 'escalated', 'paged', 'acknowledged', 'said', 'cancelled-by-patient', 'completed']) {
      this.#source.addEventListener(what, seen);
    }
    this.#source.addEventListener('error', () => {
      // The browser comes back by itself, unless it was refused.
      if (this.#source?.readyState === EventSource.CLOSED) over();
    });
  }

  stop() {
    this.#source?.close();
    this.#source = null;
    this.#rows.clear();
    for (const id of ['calls', 'news', 'alarm']) $(id).replaceChildren();
  }

  #put(request) {
    const there = this.#rows.get(request.id);
    if (there) {
      there.facts.replaceWith(there.facts = facts(request));
      there.seen.hidden = request.answered;
      return;
    }
    const row = element('li', request.emergency ? 'call emergency' : 'call');
    row.dataset.id = request.id;
    const made = { row, facts: facts(request), seen: this.#button('I have seen it', () => this.#does('acknowledge', { id: request.id })) };
    made.seen.hidden = request.answered;
    row.append(made.facts, made.seen, this.#saying(request), this.#button('Done', () => this.#does('complete', { id: request.id })));
    this.#rows.set(request.id, made);
    if (request.emergency) $('calls').prepend(row); else $('calls').append(row);
  }

  /** What is said in the room, in one's own words or in one of these. */
  #saying(request) {
    const [box, words, list] = [element('span', 'say'), element('input', 'saying'), element('datalist')];
    list.id = `phrases-${request.id}`;
    list.append(...PHRASES.map((phrase) => { const one = element('option'); one.value = phrase; return one; }));
    words.setAttribute('list', list.id);
    words.setAttribute('aria-label', `What to say in ${request.room}`);
    words.placeholder = PHRASES[0];
    words.maxLength = 200;
    const say = async () => {
      await this.#does('say', { id: request.id, words: words.value.trim() || PHRASES[0] });
      words.value = '';
    };
    const button = this.#button('Say it there', say);
    words.addEventListener('keydown', (event) => { if (event.key === 'Enter') button.click(); });
    box.append(words, list, button);
    return box;
  }

  async #does(what, body) {
    await this.#ask(`requests/${what}`, body);
    await this.look();
  }

  #remove(id) {
    this.#rows.get(id)?.row.remove();
    this.#rows.delete(id);
  }

  #none() {
    $('calls').querySelector('.none')?.remove();
    if (this.#rows.size === 0) $('calls').append(element('li', 'none', 'No open calls.'));
  }
}
