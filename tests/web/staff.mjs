// A server whose staff sign in with a real provider.

import { provider } from './provider.mjs';
import { free, start } from './server.mjs';

/** `roles` and `units` as they are configured: `nurse = ["rn"]`, `"4 West" = ["room-12"]`; `more` is more of the configuration. */
export async function clinic({ people, roles, units, more = '' }) {
  const [port, at] = [await free(), await free()];
  const url = `http://127.0.0.1:${port}`;
  const op = await provider(at, { redirect: [`${url}/console/back`], after: [`${url}/console`], people, publicly: true });
  const section = `[sign_in]\npublic_url = "${url}"\n[sign_in.staff]\nroles = { ${roles} }\nunits = { ${units} }\n`
    + `[sign_in.staff.provider]\nissuer = "${op.issuer}"\nclient_id = "wellspoken"\n${more}`;
  return { op, server: await start({ listen: `127.0.0.1:${port}`, section }) };
}
