// A copy of everything, handed to the browser as a file; it is kept nowhere on the way.

import { ask, moment } from '/page/server.js';

export function show({ me, refresh, told }) {
  document.getElementById('copy-asked').textContent =
    me.copies_asked.length ? `You asked for a copy aloud, ${moment(me.copies_asked[0])}. Here it is.` : '';
  document.getElementById('copy-take').onclick = () => take(refresh, told);
}

async function take(refresh, told) {
  const said = document.getElementById('copy-said');
  said.textContent = 'One moment…';
  try {
    const file = await (await ask('/v1/me/export', { method: 'POST' })).blob();
    const link = document.createElement('a');
    link.href = URL.createObjectURL(file);
    link.download = 'my-data.json';
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    await refresh();
    said.textContent = 'It is in your downloads.';
  } catch (error) {
    said.textContent = told(error);
  }
}
