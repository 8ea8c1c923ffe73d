// Who looked, newest first.

import { call, element, moment } from '/page/server.js';

const EVENTS = {
  opened: 'Record opened', closed: 'Answered', refused: 'Refused', recognized: 'Names used for hearing', imported: 'Records came in',
  consent: 'Agreement changed', urgent: 'Call for help', progressed: 'Request worked on', identified: 'PIN said', forgotten: 'Words deleted',
  'audit-read': 'Log read', connection: 'Records of another organization', 'glass-broken': 'Opened in an emergency',
};
const WAYS = { room: 'a room', home: 'a device at home', chat: 'your page', import: 'import', console: 'the staff’s page', staff: 'the staff' };

export async function show() {
  const { entries, more } = await call('/v1/me/access');
  const others = document.getElementById('access-others');
  const draw = () => {
    const shown = entries.filter((entry) => !others.checked || !entry.own);
    document.getElementById('access-rows').replaceChildren(...shown.map(row));
  };
  others.onchange = draw;
  draw();
  const opened = entries.filter((entry) => entry.event === 'opened' || entry.event === 'glass-broken');
  const strange = opened.filter((entry) => !entry.own).length;
  document.getElementById('access-told').textContent =
    `${opened.length} times your record was opened, ${strange} of them by somebody else.${more ? ` ${more} older entries are in your copy.` : ''}`;
}

function row(entry) {
  const made = element('tr', entry.own ? '' : 'others');
  const what = [EVENTS[entry.event] ?? entry.event, entry.intent].filter(Boolean).join(': ');
  const who = entry.by || (entry.own ? 'you, or whoever used your device' : 'not named');
  made.append(element('td', '', moment(entry.at)), element('td', '', what), element('td', '', WAYS[entry.channel] ?? entry.channel), element('td', '', who));
  return made;
}
