// Signing up: an address, the code that was sent there, and done. The page keeps nothing.

import { Refused, call, json } from '/page/server.js';

const $ = (id) => document.getElementById(id);

const WORDS = {
  wrong_field: 'That is not an e-mail address.',
  wrong_code: 'That is not the code, or it no longer works. Ask for another one.',
  too_many: 'Too many people are signing up at the moment. Please try again in an hour.',
  not_found: 'Nobody can sign up here. Ask the staff.',
};

function become(state) {
  document.body.dataset.state = state;
  for (const [id, when] of [['ask', 'asking'], ['show', 'showing'], ['done', 'done']]) $(id).hidden = state !== when && !(id === 'ask' && state === 'showing');
}

function on(form, act) {
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const button = form.querySelector('button');
    button.disabled = true;
    $('alert').textContent = '';
    try {
      await act();
    } catch (error) {
      $('alert').textContent = (error instanceof Refused && WORDS[error.code])
        || 'I cannot reach the server at the moment, so nothing was done. Please try again.';
    } finally {
      button.disabled = false;
    }
  });
}

on($('ask-form'), async () => {
  await call('/v1/access', json('POST', { email: $('email').value }));
  become('showing');
  $('code').focus();
});

on($('show-form'), async () => {
  const { place } = await call('/v1/access/confirm', json('POST', { email: $('email').value, code: $('code').value }));
  $('ask-form').reset();
  $('show-form').reset();
  $('place').textContent = `You are number ${place} of those who wait.`;
  become('done');
});
