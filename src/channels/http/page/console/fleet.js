// Rooms and their devices: which room has one, which is silent, where calls are open; announcing something to a place.

const STATES = { waiting: 'waits for its code', lost: 'lost' };

/** What a room's devices are, in words: colour alone tells nobody anything. */
function standing(devices) {
  if (devices.length === 0) return 'no device';
  const active = devices.filter((device) => device.state === 'active');
  if (active.some((device) => !device.silent)) return 'online';
  if (active.length > 0) return 'OFFLINE';
  return STATES[devices[0].state] ?? devices[0].state;
}

const clock = (at) => new Date(at).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });

/** `desk` is what the page gives: ask about the fleet, the open calls where one may see them, element, doing. */
export function fleet({ ask, calls, element, doing }) {
  const $ = (id) => document.getElementById(id);

  async function map() {
    const [{ places }, { devices }, open] = await Promise.all([ask('places'), ask('devices'), calls()]);
    const rooms = places.filter((place) => place.room);
    const rows = rooms.map((place) => {
      const here = devices.filter((device) => device.room === place.room);
      const wait = open.filter((call) => call.room === place.room);
      const stands = standing(here);
      const row = element('tr', stands === 'OFFLINE' || wait.some((call) => call.emergency) ? 'urgent' : '');
      const seen = here.map((device) => device.seen).filter(Boolean).sort().at(-1);
      const name = element('th', '', place.called);
      name.scope = 'row';
      const count = wait.some((call) => call.emergency) ? `${wait.length}, EMERGENCY` : `${wait.length || 'none'}`;
      row.append(name, element('td', '', stands), element('td', '', seen ? clock(seen) : 'never'), element('td', '', count));
      return row;
    });
    $('map').tBodies[0].replaceChildren(...rows);
    const offline = rows.filter((row) => row.cells[1].textContent === 'OFFLINE').length;
    $('map-sum').textContent = rooms.length === 0
      ? 'No rooms of yours are in the fleet.'
      : `${rooms.length} rooms, ${offline} offline, ${open.length} open calls.`;
    choices(places);
  }

  /** Where something can be announced. What is chosen stays so. */
  function choices(places) {
    const was = $('announce-to').value;
    $('announce-to').replaceChildren(...places.map((place) => {
      const option = element('option', '', place.called);
      option.value = place.id;
      return option;
    }));
    if (places.some((place) => place.id === was)) $('announce-to').value = was;
  }

  $('announce').addEventListener('submit', (event) => {
    event.preventDefault();
    doing(event.submitter ?? $('announce-text'), async () => {
      const ends = new Date(Date.now() + Number($('announce-minutes').value) * 60_000).toISOString();
      await ask('announcements', { place: $('announce-to').value, priority: $('announce-priority').value, text: $('announce-text').value, ends });
      $('announce-text').value = '';
      $('announce-told').textContent = 'It is being announced. In quiet hours only an emergency is.';
    });
  });

  return { map };
}
