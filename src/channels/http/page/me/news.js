// What is new, what somebody wants to be told of by itself, and a letter that there is something.

import { Refused, call, element, json, moment } from '/page/server.js';

const $ = (id) => document.getElementById(id);
const BOXES = ['everything', 'medicines', 'visits', 'results'];

let until = null;

export async function show({ refresh, told }) {
  const shown = await call('/v1/me/news');
  list(shown.news, refresh, told);
  const form = $('news-form');
  for (const name of BOXES) form.elements[name].checked = shown.told[name];
  for (const name of ['from', 'to']) form.elements[name].value = (shown.told[name] ?? '').slice(0, 5);
  until = shown.told.until;
  $('news-until').textContent = until && new Date(until) > new Date() ? `You asked for quiet until ${moment(until)}.` : '';
  form.onsubmit = (event) => save(event, refresh, told);
  letters(shown.letters, refresh, told);
}

function list(news, refresh, told) {
  $('news-list').replaceChildren(...news.map(({ at, text }) => {
    const item = element('li', '', text);
    item.append(element('span', 'when', ` ${moment(at)}`));
    return item;
  }));
  $('news-none').textContent = news.length ? '' : 'There is nothing new for you.';
  const read = $('news-read');
  read.hidden = news.length === 0;
  read.onclick = () => done(() => call('/v1/me/news/read', json('POST', { ids: news.map(({ id }) => id) })), 'news-said', 'Marked as read.', refresh, told);
}

function save(event, refresh, told) {
  event.preventDefault();
  const form = event.target;
  const time = (name) => form.elements[name].value || null;
  const [from, to] = [time('from'), time('to')];
  if (Boolean(from) !== Boolean(to)) {
    $('news-said').textContent = 'Give both hours, or neither.';
    return;
  }
  const wish = Object.fromEntries(BOXES.map((name) => [name, form.elements[name].checked]));
  done(() => call('/v1/me/news', json('PUT', { ...wish, until, from: from && `${from}:00`, to: to && `${to}:00` })), 'news-said', 'Saved. It counts from now on.', refresh, told);
}

function letters(kept, refresh, told) {
  $('letters').hidden = !kept;
  if (!kept) return;
  $('letters-now').textContent = !kept.address ? 'You get no letters.'
    : kept.confirmed ? `Letters go to ${kept.address}.` : `A code was sent to ${kept.address}. Type it here within an hour.`;
  $('letters-code').hidden = !kept.address || kept.confirmed;
  $('letters-end').hidden = !kept.address;
  $('letters-form').onsubmit = (event) => {
    event.preventDefault();
    const email = event.target.elements.email.value;
    event.target.reset();
    done(() => call('/v1/me/letters', json('PUT', { email })), 'letters-said', 'A code is on its way.', refresh, told);
  };
  $('letters-code').onsubmit = (event) => {
    event.preventDefault();
    const code = event.target.elements.code.value;
    event.target.reset();
    done(() => call('/v1/me/letters/confirm', json('POST', { code })), 'letters-said', 'Letters come from now on.', refresh, told);
  };
  $('letters-end').onclick = () => done(() => call('/v1/me/letters', { method: 'DELETE' }), 'letters-said', 'No more letters.', refresh, told);
}

function refused(error, told) {
  if (!(error instanceof Refused)) return told(error);
  if (error.code === 'wrong_code') return 'That is not the code, or it no longer works.';
  if (error.status === 429) return 'A code was sent a moment ago. Look there first, or try again in ten minutes.';
  if (error.status === 400) return 'That does not look right. Please check it.';
  return told(error);
}

async function done(work, where, words, refresh, told) {
  try {
    await work();
    await refresh();
    $(where).textContent = words;
  } catch (error) {
    $(where).textContent = refused(error, told);
  }
}
