// What waits for a prescriber's word, and what a pharmacy works on. Each look is noted for each person that is shown, so this
// looks when the page opens, after a decision, and when it is told to; not by itself.

const WORDS = {
  prescriber_asked: 'Ask the prescriber', filled: 'Filled', ready: 'Ready', shipped: 'Shipped', delivered: 'Delivered', picked_up: 'Picked up', denied: 'Cannot fill it',
};
const NEXT = {
  requested: ['filled', 'prescriber_asked', 'denied'], approved: ['filled', 'denied'], filled: ['ready', 'shipped'], ready: ['picked_up'], shipped: ['delivered'],
};

const text = (...parts) => parts.filter(Boolean).join(', ');

/** The two lists; `desk` is what the page gives: ask, element, button. */
export function renewals({ ask, element, button }) {
  const $ = (id) => document.getElementById(id);

  const field = (label, type, most) => {
    const made = element('input', label.toLowerCase().replaceAll(' ', '-'));
    made.type = type;
    if (most) made.maxLength = most;
    made.placeholder = label;
    made.setAttribute('aria-label', label);
    return made;
  };

  function told(renewal) {
    const row = element('li', 'renewal');
    const days = Math.floor((Date.now() - new Date(renewal.requested)) / 86_400_000);
    row.append(
      element('span', 'room', text(renewal.name, renewal.birth && `born ${renewal.birth}`)),
      element('time', '', days > 0 ? `${days} d` : 'today'),
      element('span', 'words', text(renewal.medicine, renewal.strength, renewal.controlled && 'controlled')),
      element('span', 'by', text(
        renewal.directions, renewal.refills_left !== undefined && `refills left: ${renewal.refills_left}`,
        renewal.prescriber && `prescribed by ${renewal.prescriber}`, renewal.pharmacy && `to ${renewal.pharmacy}`,
      )),
    );
    return row;
  }

  function list(id, all, fill) {
    $(id).replaceChildren(...all.map((one) => { const row = told(one); fill(row, one); return row; }));
    if (all.length === 0) $(id).append(element('li', 'none', 'Nothing waits.'));
  }

  async function inbox() {
    const { renewals: all } = await ask('renewals');
    list('inbox', all, (row, one) => {
      const reason = field('Why not (the person is told this)', 'text', 200);
      row.append(
        button('Approve', async () => { await ask('renewals/approve', { id: one.id }); await inbox(); }),
        reason,
        button('Deny', async () => { await ask('renewals/deny', { id: one.id, reason: reason.value }); await inbox(); }),
      );
    });
  }

  async function fills() {
    const { renewals: all } = await ask('fills');
    list('counter', all, (row, one) => {
      row.append(element('span', 'state', one.state.replaceAll('_', ' ')));
      const next = NEXT[one.state] ?? [];
      const [reason, carrier, due] = [field('Why not (the person is told this)', 'text', 200), field('Carrier', 'text', 40), field('Due', 'date')];
      if (next.includes('denied')) row.append(reason);
      if (next.includes('shipped')) row.append(carrier, due);
      for (const to of next) {
        row.append(button(WORDS[to], async () => {
          const more = to === 'denied' ? { reason: reason.value } : to === 'shipped' ? { carrier: carrier.value, ...(due.value && { due: due.value }) } : {};
          await ask('fills/move', { id: one.id, to, ...more });
          await fills();
        }));
      }
    });
  }

  return { inbox, fills };
}
