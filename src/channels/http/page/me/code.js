// A one-time code to say at a device. It is on the screen and nowhere else: opening the page again shows none.

import { call } from '/page/server.js';

export function show({ told }) {
  document.getElementById('code-make').onclick = () => make(told);
}

async function make(told) {
  const [shown, said] = [document.getElementById('code-shown'), document.getElementById('code-said')];
  shown.textContent = '';
  try {
    const { code, expires } = await call('/v1/me/code', { method: 'POST' });
    shown.textContent = `${code.slice(0, 4)} ${code.slice(4)}`;
    const until = new Date(expires).toLocaleTimeString('en', { timeStyle: 'short' });
    said.textContent = `Say “my code is” and these digits, before ${until}. It works once.`;
  } catch (error) {
    said.textContent = told(error);
  }
}
