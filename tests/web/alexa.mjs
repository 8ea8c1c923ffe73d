// The door for skills, spoken to by virtual-alexa with the exported interaction model, through a proxy that signs.
// Every answer is held to a JSON schema made from Amazon's own types (ask-sdk-model). Run: npm --prefix tests/web test

import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';

import { authority, signingProxy } from './authority.mjs';
import { start } from './server.mjs';

const require = createRequire(import.meta.url);
const { VirtualAlexa } = require('virtual-alexa');
const { SessionEndedReason } = require('virtual-alexa/lib/src/core/SkillRequest');
const { createGenerator } = require('ts-json-schema-generator');
const Ajv = require('ajv').default;

const SKILL = 'amzn1.ask.skill.00000000-0000-4000-8000-000000000001';
const OWN = 'amzn1.ask.skill.00000000-0000-4000-8000-000000000002';
const UNIT = 'amzn1.alexa.unit.did.TESTS';

let signer;
let server;
let proxy;
let model;
let valid;
let answers = [];

/** Amazon's types as a schema. */
function schema() {
  const types = join(dirname(require.resolve('ask-sdk-model/package.json')), 'index.d.ts');
  const made = createGenerator({ path: types, type: 'ResponseEnvelope', skipTypeCheck: true }).createSchema('ResponseEnvelope');
  return new Ajv({ strict: false, allErrors: true }).compile(made);
}

/** Somebody in front of an Echo, with this skill, maybe in a unit. */
function somebody(skill, unit) {
  const alexa = VirtualAlexa.Builder().skillURL(proxy.url).interactionModelFile(model).applicationID(skill).create();
  alexa.context().device().setID('amzn1.ask.device.TESTS');
  alexa.context().user().setID('amzn1.ask.account.TESTS');
  if (unit) alexa.filter((request) => { request.context.System.unit = { unitId: 'amzn1.ask.unit.TODAY', persistentUnitId: unit }; });
  return alexa;
}

const said = (answer) => answer.response.outputSpeech.ssml.replace(/<[^>]*>/g, '').replaceAll('&apos;', "'");

before(async () => {
  valid = schema();
  signer = await authority();
  const section = `
[alexa]
signing_roots = "${signer.roots}"
fetch_from = "${signer.place}"
[[alexa.skills]]
id = "${SKILL}"
[[alexa.skills]]
id = "${OWN}"
smart_properties = { agreement = "Addendum of 2026-03-01, for the tests" }
`;
  server = await start({ section });
  model = join(tmpdir(), `wellspoken-model-${process.pid}.json`);
  await writeFile(model, await server.run('intents', 'export', '--invocation', 'care voice'));
  proxy = await signingProxy(server.url, signer.sign, (status, request, answer) => answers.push({ status, request, answer }));
});

after(async () => {
  proxy?.close();
  signer?.close();
  await server?.stop();
  if (model) await rm(model, { force: true });
});

/** Runs a scene; every answer in it must have been let in and fit the schema. */
function scene(name, act) {
  test(name, async () => {
    answers = [];
    await act();
    assert.ok(answers.length > 0, 'somebody spoke');
    for (const { status, request, answer } of answers) {
      assert.equal(status, 200, JSON.stringify(request));
      assert.ok(valid(answer), `${JSON.stringify(valid.errors?.slice(0, 3))} in ${JSON.stringify(answer)}`);
    }
  });
}

test('the schema tells a good answer from a bad one', () => {
  const good = { version: '1.0', response: { outputSpeech: { type: 'SSML', ssml: '<speak>Hello.</speak>' }, shouldEndSession: true } };
  assert.ok(valid(good), JSON.stringify(valid.errors));
  for (const bad of [
    { response: good.response },
    { version: '1.0' },
    { version: '1.0', response: { outputSpeech: { type: 'SSML' } } },
    { version: '1.0', response: { outputSpeech: { type: 'Ssml', ssml: 'x' } } },
    { version: '1.0', response: { shouldEndSession: 'yes' } },
    { version: '1.0', response: { directives: [{ type: 'Dialog.ElicitSlot' }] } },
    { version: '1.0', response: { canFulfillIntent: { canFulfill: 'PERHAPS' } } },
    { version: '1.0', response: { speech: 'x' } },
  ]) assert.ok(!valid(bad), JSON.stringify(bad));
});

scene('a third party is greeted, helped, told what is public, and nothing else', async () => {
  const alexa = somebody(SKILL);
  assert.match(said(await alexa.launch()), /^Hello/);
  assert.equal(answers.at(-1).answer.response.shouldEndSession, false);
  assert.match(said(await alexa.utter('help')), /own device or page/);
  const open = await alexa.utter('is this private');
  assert.equal(answers.at(-1).request.request.intent.name, 'PrivacyHowProtected');
  assert.ok(said(open).length > 20);
  for (const [intent, slots] of [
    ['PrescriptionList', {}], ['PrescriptionRenew', { medicine: 'lisinopril' }], ['PrescriptionRenew', { medicine: 'zubsolv' }],
    ['AppointmentNext', {}], ['AppointmentBook', { date: '2026-12-03', time: '14:30' }], ['NurseRequest', { need: 'water' }],
  ]) {
    const refused = said(await somebody(SKILL).intend(intent, slots));
    assert.match(refused, /can't talk about that on this speaker/, intent);
    assert.doesNotMatch(refused, /lisinopril|zubsolv/i);
  }
  assert.match(said(await somebody(SKILL).intend('EmergencyHelp')), /911/);
  assert.match(said(await somebody(SKILL).utter('stop')), /Okay/);
});

scene('requests to which no answer belongs get none', async () => {
  const alexa = somebody(SKILL);
  await alexa.launch();
  await alexa.endSession(SessionEndedReason.USER_INITIATED);
  assert.deepEqual(answers.at(-1).answer.response, {});
  await somebody(SKILL).request().set('request.type', 'AlexaSkillEvent.SkillEnabled').send();
  assert.deepEqual(answers.at(-1).answer.response, {});
  const asks = somebody(SKILL).request().intent('PrivacyHowProtected').set('request.type', 'CanFulfillIntentRequest');
  await asks.send();
  assert.equal(answers.at(-1).answer.response.canFulfillIntent.canFulfill, 'YES');
});

scene('from a registered unit a prescription is asked for, read back and sent', async () => {
  const before = said(await somebody(OWN, UNIT).intend('PrescriptionList'));
  assert.match(before, /own device or page/, 'the unit is not registered yet');
  await server.run('credential', 'new', '--channel', 'room', '--room', 'room-12', '--unit', UNIT, '--skill', OWN);
  assert.match(said(await somebody(OWN, UNIT).intend('PrescriptionList')), /lisinopril/i);
  assert.match(said(await somebody(SKILL, UNIT).intend('PrescriptionList')), /own device or page/, 'another skill');

  const alexa = somebody(OWN, UNIT);
  const asked = await alexa.intend('PrescriptionRenew');
  assert.equal(asked.directive('Dialog.ElicitSlot').slotToElicit, 'medicine');
  const back = await alexa.intend('PrescriptionRenew', { medicine: 'metformin' });
  assert.match(said(back), /Metformin.*\?/i);
  const done = await alexa.utter('yes');
  assert.equal(answers.at(-1).request.request.intent.name, 'AMAZON.YesIntent');
  assert.match(said(done), /metformin/i);
  assert.equal(answers.at(-1).answer.response.shouldEndSession, true);
});

test('a unit is registered only for a declared skill of the organization, and to a room', async () => {
  const tried = (...more) => assert.rejects(server.run('credential', 'new', ...more));
  await tried('--channel', 'room', '--room', 'room-12', '--unit', 'amzn1.other', '--skill', SKILL);
  await tried('--channel', 'chat', '--unit', 'amzn1.other', '--skill', OWN);
  await tried('--channel', 'room', '--room', 'room-12', '--unit', 'amzn1.other');
  await tried('--channel', 'room', '--room', 'room-12', '--unit', UNIT, '--skill', OWN);
});

test('without a signature nothing is answered', async () => {
  const { request } = answers.at(-1) ?? { request: {} };
  const body = JSON.stringify(request);
  const plain = await fetch(`${server.url}/v1/alexa`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body });
  assert.equal(plain.status, 400);
});
