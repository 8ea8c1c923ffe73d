// Setting a PIN, or another one. The digits leave the form whatever comes of it.

import { Refused, call, json } from '/page/server.js';

export function show({ told }) {
  document.getElementById('pin-form').onsubmit = (event) => set(event, told);
}

function refused(error, told) {
  if (!(error instanceof Refused)) return told(error);
  switch (error.code) {
    case 'no_pin': return `These digits cannot be your PIN: ${error.message}.`;
    case 'wrong_pin': return 'That is not the PIN you have now, so nothing was changed.';
    case 'pin_locked': return 'That was wrong too often. Try again later, or ask the staff to set a new one.';
    default: return told(error);
  }
}

async function set(event, told) {
  event.preventDefault();
  const [form, said] = [event.target, document.getElementById('pin-said')];
  const { current, wanted, again } = Object.fromEntries(new FormData(form));
  form.reset();
  if (wanted !== again) {
    said.textContent = 'The new PIN was not the same both times. Nothing was changed.';
    return;
  }
  try {
    await call('/v1/me/pin', json('PUT', { ...(current ? { current } : {}), new: wanted }));
    said.textContent = 'Set. It counts from now on, on every device.';
  } catch (error) {
    said.textContent = refused(error, told);
  }
}
