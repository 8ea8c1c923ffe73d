// The page for a code that was said aloud: typed in here, it lets this page begin a connection and see how far it is, and
// nothing else.

import * as records from '/page/me/records.js';
import { Refused, call, json } from '/page/server.js';

const $ = (id) => document.getElementById(id);

function told(error) {
  if (!(error instanceof Refused)) return 'I cannot reach the server at the moment, so nothing was done. Please try again.';
  if (error.status === 401) {
    ask();
    return '';
  }
  return 'That could not be done at the moment. Please try again.';
}

function ask() {
  $('records').hidden = true;
  $('code').hidden = false;
  document.body.dataset.state = 'locked';
}

async function refresh() {
  const offers = await records.show({ me: { connects: true }, told });
  $('code').hidden = true;
  $('records').hidden = !offers;
  if (!offers) $('alert').textContent = 'No records can be connected here yet. Ask the staff.';
  document.body.dataset.state = 'ready';
}

async function start() {
  records.cameBack();
  try {
    await refresh();
  } catch (error) {
    if (error instanceof Refused && (error.status === 401 || error.status === 403)) ask();
    else $('alert').textContent = told(error);
  }
  if (document.body.dataset.state === 'starting') document.body.dataset.state = 'locked';
}

$('code-form').onsubmit = async (event) => {
  event.preventDefault();
  const said = $('code-said');
  try {
    await call('/v1/me/records/code', json('POST', { code: new FormData(event.target).get('code') }));
    event.target.reset();
    said.textContent = '';
    await refresh();
  } catch (error) {
    if (error instanceof Refused && error.status === 429) said.textContent = 'That was wrong too often. Try again later, or sign in.';
    else if (error instanceof Refused && (error.status === 403 || error.status === 400)) said.textContent = 'That is not a code I know. Codes work once, for ten minutes. Ask for a new one.';
    else said.textContent = told(error);
  }
};

start();
