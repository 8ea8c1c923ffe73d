// What may be used, purpose by purpose. Nothing is ticked that was not agreed to.

import { call, element, json, moment } from '/page/server.js';

const WORDS = {
  'answer.medicines': 'Use my medicines to answer me',
  'answer.visits': 'Use my visits to answer me',
  'answer.records': 'Use my test results and the rest of my record to answer me',
  'recognize.medicines': 'Use the names of my medicines to hear me rightly',
  'recognize.visits': 'Use the names of those who treat me to hear me rightly',
  improve: 'Count what I say together with what many others say, without my name, to understand people better',
};

let version = 0;

export async function show({ refresh, told }) {
  const agreement = await call('/v1/me/consent');
  version = agreement.version;
  document.getElementById('consent-uses').replaceChildren(...agreement.uses.map(box));
  const before = [...agreement.versions].reverse().map((one) => {
    const uses = one.uses.length ? one.uses.map((name) => WORDS[name] ?? name).join('; ') : 'nothing';
    const item = element('li', '', `${moment(one.at)}, ${one.channel}: ${uses}`);
    item.value = one.number;
    return item;
  });
  document.getElementById('consent-versions').replaceChildren(...before);
  document.getElementById('consent-form').onsubmit = (event) => save(event, refresh, told);
}

function box(use) {
  const label = element('label');
  const input = element('input');
  Object.assign(input, { type: 'checkbox', name: 'use', value: use.name, checked: use.agreed });
  label.append(input, element('span', '', WORDS[use.name] ?? use.name));
  const line = element('p');
  line.append(label);
  return line;
}

async function save(event, refresh, told) {
  event.preventDefault();
  const said = document.getElementById('consent-said');
  const uses = [...document.querySelectorAll('#consent-uses input:checked')].map((input) => input.value);
  try {
    await call('/v1/me/consent', json('PUT', { version, uses }));
    await refresh();
    said.textContent = 'Saved. It counts from now on.';
  } catch (error) {
    const words = told(error);
    // What is there now is shown before it is said that it is there.
    if (error.status === 409) await refresh();
    said.textContent = words;
  }
}
