// Who somebody is who signed up by themselves, and how to begin. Gone once something is connected: then the record tells.

import { Refused, call, json } from '/page/server.js';

export function show({ me, refresh, told }) {
  if (!me.names_themselves) return false;
  document.getElementById('who-connects').hidden = !me.connects;
  document.getElementById('who-form').onsubmit = (event) => save(event, refresh, told);
  return true;
}

function refused(error, told) {
  if (error instanceof Refused && error.code === 'wrong_field') return 'That does not look like a name and a date of birth. Please check it.';
  if (error instanceof Refused && error.code === 'known') return 'Who you are is known here already. Ask the staff to change it.';
  return told(error);
}

async function save(event, refresh, told) {
  event.preventDefault();
  const said = document.getElementById('who-said');
  const { given, family, birth } = Object.fromEntries(new FormData(event.target));
  try {
    await call('/v1/me/name', json('PUT', { given, family, birth }));
    event.target.reset();
    await refresh();
    said.textContent = 'Thank you. I know now who you are.';
  } catch (error) {
    said.textContent = refused(error, told);
  }
}
