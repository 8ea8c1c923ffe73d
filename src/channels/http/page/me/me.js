// A person's own page: who they are, what is kept, what is new, who looked, what they agree to, a code and a PIN, deleting, a copy. Each part is a file of its own
// that shows itself in the section of its name; a new part is a section, a file, and a line below. The page keeps nothing.

import * as who from '/page/me/who.js';
import * as kept from '/page/me/kept.js';
import * as news from '/page/me/news.js';
import * as access from '/page/me/access.js';
import * as consent from '/page/me/consent.js';
import * as records from '/page/me/records.js';
import * as code from '/page/me/code.js';
import * as pin from '/page/me/pin.js';
import * as forget from '/page/me/forget.js';
import * as copy from '/page/me/copy.js';
import { Refused, call, json } from '/page/server.js';

const PARTS = { who, kept, news, access, consent, records, code, pin, forget, copy };

const $ = (id) => document.getElementById(id);

function become(state, words) {
  document.body.dataset.state = state;
  $('status').textContent = words;
}

function lock(words) {
  become('locked', '');
  $('alert').textContent = words;
  for (const name of Object.keys(PARTS)) $(name).hidden = true;
}

/** What a part does that fails; the words are shown where it was asked. */
export function told(error) {
  if (!(error instanceof Refused)) return 'I cannot reach the server at the moment, so nothing was done. Please try again.';
  if (error.status === 401) {
    lock('This page is not signed in any more. Sign in again.');
    return '';
  }
  if (error.status === 409) return 'This was changed elsewhere meanwhile. Look at it again, then decide.';
  if (error.status === 451) return 'The law or your care team requires that nothing of yours is deleted for now. Ask them.';
  return 'That could not be done at the moment, so nothing was changed. Please try again.';
}

/** Shows every part anew: what one changes, another may show. */
export async function refresh() {
  const me = await call('/v1/me');
  $('whose').textContent = me.name ?? '';
  for (const [name, part] of Object.entries(PARTS)) {
    $(name).hidden = (await part.show({ me, refresh, told })) === false;
  }
}

async function start() {
  records.cameBack();
  const link = location.hash.slice(1);
  // The secret leaves the address bar and the history before anything else happens.
  if (link) history.replaceState(null, '', location.pathname);
  try {
    if (link) await call('/v1/session', json('POST', { link })).catch((error) => { if (error.status !== 403) throw error; });
    await refresh();
    become('ready', '');
  } catch (error) {
    if (error instanceof Refused && error.status === 403) {
      lock('This page is for one person who signed in. A device in a room shows nothing here.');
    } else if (error instanceof Refused && (error.status === 401 || error.status === 400)) {
      lock('To see this, sign in, or open the link you were given.');
    } else {
      lock('I cannot reach the server at the moment. Please open this page again in a while.');
    }
  }
}

addEventListener('hashchange', () => { if (location.hash.length > 1) start(); });
start();
