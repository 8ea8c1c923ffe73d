// Messages of the admission system that wait for somebody: why, what is done about them, and one as it came. What one says is on the
// screen until it is closed, and nowhere else; that somebody read it is noted.

const REASONS = {
  'several-people': 'its numbers are several people\'s; none of them is known to lie anywhere now',
  'no-bed': 'it names no bed',
  'bed-taken': 'somebody else was still in the bed; their stay ended',
  'two-in-one-bed': 'another message says that somebody else lies there; nobody is known to lie there now',
  'other-bed': 'it names another bed than the one the person was known in; they are known in none now',
  'not-who-lies-there': 'somebody goes, but somebody else is known in that bed, who stays',
  'late-end': 'it is older than what is known, and ended a stay all the same',
  'two-charts': 'two people who both have records are one; what they have is not put together',
  failed: 'it failed again and again',
};

/** How long something waits, in words. */
function age(at) {
  const minutes = Math.max(0, Math.floor((Date.now() - new Date(at)) / 60_000));
  if (minutes < 60) return `for ${minutes} min`;
  return minutes < 60 * 48 ? `for ${Math.floor(minutes / 60)} h` : `for ${Math.floor(minutes / 1440)} days`;
}

function why(message) {
  if (message.state === 'waiting') return `waits: ${message.bed} is no room yet`;
  const reason = REASONS[message.reason] ?? message.reason;
  return message.state === 'unreadable' ? `could not be read: ${reason}` : reason;
}

/** The list; `desk` is what the page gives: ask, element, button, rights. */
export function admissions({ ask, element, button, rights }) {
  const $ = (id) => document.getElementById(id);

  function close() {
    $('message').hidden = true;
    $('message-text').replaceChildren();
  }

  async function open(id) {
    const { segments } = await ask('admissions/read', { id });
    $('message-text').textContent = segments.join('\n');
    $('message').hidden = false;
    $('message-title').focus();
  }

  /** A field for the room that a bed is; Enter does it, too. */
  function mapping(message) {
    const room = element('input', 'room');
    room.maxLength = 64;
    room.placeholder = 'Room';
    room.setAttribute('aria-label', `Room that ${message.bed} is`);
    const map = button('It is this room', async () => {
      await ask('admissions/map', { bed: message.bed, room: room.value.trim() });
      $('admissions-news').textContent = `${message.bed} is ${room.value.trim()} now; what waited for it is done again.`;
      await list();
    });
    room.addEventListener('keydown', (event) => { if (event.key === 'Enter') map.click(); });
    return [room, map];
  }

  function row(message) {
    const made = element('li', 'review');
    made.dataset.id = message.id;
    const act = (words, path, told) => button(words, async () => {
      await ask(`admissions/${path}`, { id: message.id });
      $('admissions-news').textContent = told;
      close();
      await list();
    });
    const when = element('time', '', age(message.received));
    when.dateTime = message.received;
    made.append(when, element('span', 'words', [message.kind, why(message)].filter(Boolean).join(': ')));
    if (rights.has('read-admissions')) made.append(button('Read it', () => open(message.id)));
    if (message.state === 'waiting') made.append(...mapping(message));
    if (message.again) made.append(act('Do it again', 'again', 'It is done again.'));
    made.append(act('Settle', 'settle', 'Settled.'));
    return made;
  }

  async function list() {
    const { messages } = await ask('admissions');
    const now = new Map(messages.map((message) => [message.id, message.state]));
    // Rows that are there stay as they are: somebody may be writing in one.
    for (const old of [...$('messages').children]) if (now.get(old.dataset.id) !== old.dataset.state) old.remove();
    const shown = new Set([...$('messages').children].map((old) => old.dataset.id));
    for (const message of messages.filter((one) => !shown.has(one.id))) {
      const made = row(message);
      made.dataset.state = message.state;
      $('messages').append(made);
    }
    if (messages.length === 0) $('messages').replaceChildren(element('li', 'none', 'Nothing.'));
  }

  $('message-close').addEventListener('click', close);
  return { list, close };
}
