// A real OpenID provider, on loopback: panva's, which is certified. Whoever signs in is taken for who they say, with the
// claims that `people` has for them.

import { once } from 'node:events';
import Provider from 'oidc-provider';

/** Starts a provider that knows one client, `wellspoken`, with a secret or `publicly` without. */
export async function provider(port, { redirect, after, people, publicly = false }) {
  const issuer = `http://127.0.0.1:${port}`;
  const made = new Provider(issuer, {
    clients: [{
      client_id: 'wellspoken',
      ...(publicly ? { token_endpoint_auth_method: 'none' } : { client_secret: 'a-secret-for-tests-0123456789abcdef' }),
      redirect_uris: redirect,
      post_logout_redirect_uris: after,
      grant_types: ['authorization_code'],
      response_types: ['code'],
    }],
    pkce: { required: () => true },
    features: { devInteractions: { enabled: true }, rpInitiatedLogout: { enabled: true } },
    claims: { openid: ['sub', 'name', 'groups', 'units'] },
    conformIdTokenClaims: false,
    cookies: { keys: ['for-tests-only'] },
    async findAccount(_, id) {
      return { accountId: id, claims: async () => ({ sub: id, ...people[id] }) };
    },
  });
  const seen = [];
  made.on('server_error', (_, error) => seen.push(String(error)));
  const server = made.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    issuer,
    seen,
    stop: () => new Promise((done) => { server.closeAllConnections(); server.close(done); }),
  };
}

/** Signs in on the provider's own page, and agrees. */
export async function passes(page, login) {
  await page.locator('input[name=login]').fill(login);
  await page.locator('input[name=password]').fill('x');
  await page.locator('button[type=submit]').click();
  await page.locator('button[type=submit]', { hasText: /continue/i }).click();
}
