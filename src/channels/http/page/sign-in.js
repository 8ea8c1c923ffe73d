// Signing in at the organization's own provider, and out of both again. The page learns nothing of who it is: the provider
// sends the browser back to the server, and the server to a page with one word of these behind the #.

export const TOLD = {
  stale: 'That took too long, or was begun in another window. Please sign in again.',
  refused: 'You could not be signed in here. If you think you should be, ask the staff.',
  unavailable: 'Signing in does not work at the moment. Please try again in a while. If you need help now, use the call light or the telephone.',
};

/** The word that the way back left in the address, taken out of it; null where there is none. */
export function cameBack() {
  const word = /^#sign-in=([a-z]+)$/.exec(location.hash)?.[1] ?? null;
  if (word) history.replaceState(null, '', location.pathname);
  return word;
}

/** Shows `enter` or `leave` where the server offers signing in at `address`. `call` asks the server. */
export async function offer({ address, session, enter, leave, signedIn, call, complain }) {
  const { offered, sign_out: signOut } = await call(address);
  if (!offered) return;
  enter.hidden = signedIn;
  leave.hidden = !signedIn;
  enter.onclick = async () => {
    enter.disabled = true;
    try {
      location.assign((await call(address, { method: 'POST' })).go);
    } catch {
      enter.disabled = false;
      complain(TOLD.unavailable);
    }
  };
  leave.onclick = async () => {
    leave.disabled = true;
    try {
      await call(session, { method: 'DELETE' });
      location.assign(signOut ?? location.pathname);
    } catch {
      leave.disabled = false;
      complain('You are still signed in: the server does not answer. Please try again.');
    }
  };
}
