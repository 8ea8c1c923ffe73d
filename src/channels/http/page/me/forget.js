// Deleting what was said: how much is chosen, and that it cannot be undone is ticked, before anything goes.

import { call, json } from '/page/server.js';

export function show({ refresh, told }) {
  document.getElementById('forget-form').onsubmit = (event) => remove(event, refresh, told);
}

async function remove(event, refresh, told) {
  event.preventDefault();
  const form = event.target;
  const said = document.getElementById('forget-said');
  const chosen = new FormData(form);
  const what = chosen.get('what');
  const [from, to] = [chosen.get('from'), chosen.get('to')];
  if (what === 'days' && !(from && to && from <= to)) {
    said.textContent = 'Choose the first and the last day.';
    return;
  }
  const which = what === 'days' ? { what, from, to } : { what };
  try {
    const gone = await call('/v1/me/forget', json('POST', which));
    form.reset();
    await refresh();
    const readings = gone.readings ?? 0;
    if (gone.answers + gone.conversations + readings === 0) {
      said.textContent = 'There was nothing to delete.';
    } else {
      said.textContent = what === 'readings' ? `Deleted: ${readings} readings.` : `Deleted: ${gone.answers} answers with what you said.`;
    }
  } catch (error) {
    said.textContent = told(error);
  }
}
