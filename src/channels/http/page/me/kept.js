// How much is kept, by class, and for how long. Counts, never contents.

import { element, moment } from '/page/server.js';

const CLASSES = [
  ['medicines', 'Medicines'], ['visits', 'Visits'], ['results', 'Test results'], ['allergies', 'Allergies'],
  ['conditions', 'Conditions'], ['immunizations', 'Vaccinations'], ['vitals', 'Measurements at clinics'],
  ['notes', 'Visits that have been'], ['readings', 'Your own readings'],
  ['providers', 'People who treat you'], ['renewals', 'Requests for more of a medicine'], ['doses', 'Doses you said you took'], ['reminders', 'Reminders'], ['calls', 'Calls to the nurse'],
  ['answers', 'Answers, with what you said'], ['agreements', 'Versions of what you agreed to'],
];

export function show({ me }) {
  const list = document.getElementById('kept-list');
  list.replaceChildren(...CLASSES.flatMap(([name, label]) => {
    const count = element('dd', '', String(me.kept[name]));
    count.dataset.class = name;
    return [element('dt', '', label), count];
  }));
  const since = me.kept.since ? ` The oldest is from ${moment(me.kept.since)}.` : '';
  document.getElementById('kept-long').textContent =
    `What you say goes ${me.conversation_hours} hours after it was said, answers after ${me.answer_hours} hours.${since}`
    + ` The rest stays as long as you are known here.${me.held ? ' For now nothing of yours may be deleted: the law or your care team requires it.' : ''}`;
  const checked = document.getElementById('kept-checked');
  if (!me.checked) {
    checked.textContent = 'Whether what is promised about your privacy holds has not been checked on this system yet.';
  } else if (me.checked.broken > 0) {
    checked.textContent = `Of ${me.checked.checks} promises about your privacy, ${me.checked.broken} did not hold when they were last checked, ${moment(me.checked.at)}. Whoever runs this system must look into it.`;
  } else {
    checked.textContent = `${me.checked.checks - me.checked.unchecked} of ${me.checked.checks} promises about your privacy were last checked ${moment(me.checked.at)}, and held.`;
  }
}
