// Admissions from a client that interface engines are built on: node-hl7-client, over a real socket.
// Run: npm --prefix tests/web test

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { Client, Message } from 'node-hl7-client';

import { start } from './server.mjs';

let server;
let port;

before(async () => {
  server = await start({ section: '[adt]\nlisten = "127.0.0.1:0"\nsystems = { LAKESIDE = "https://lakeside.example/mrn" }\n' });
  await server.run('adt', 'map', '4E^136^A', '136-A');
  port = Number(server.admissions());
});
after(async () => { await server?.stop(); });

const text = (trigger, control, more = '') => [
  `MSH|^~\\&|ADT|LAKESIDE|WS|LAKESIDE|20261122010000+0000||ADT^${trigger}^ADT_A01|${control}|P|2.5.1`,
  `EVN|${trigger}|20261122010000+0000`,
  'PID|1||LS-9^^^LAKESIDE^MR||Moss^Ann',
  `PV1|1|I|4E^136^A${more}`,
].join('\r');

/** Sends a message over a connection of its own; gives MSA-1 and MSA-2 of the answer. */
function send(message) {
  return new Promise((done, fail) => {
    const limit = setTimeout(() => fail(new Error('no answer')), 30_000);
    const connection = new Client({ host: '127.0.0.1' }).createConnection({ port }, async (response) => {
      clearTimeout(limit);
      const answer = response.getMessage();
      await connection.close();
      done(`${answer.get('MSA.1').toString()} ${answer.get('MSA.2').toString()}`);
    });
    connection.sendMessage(new Message({ text: message })).catch(fail);
  });
}

test('what the client sends is answered in its own terms, and counts', async () => {
  for (const [trigger, control] of [['A01', 'n1'], ['A08', 'n2'], ['A03', 'n3']]) {
    assert.equal(await send(text(trigger, control)), `AA ${control}`);
  }
  const listed = JSON.parse(await server.run('adt', 'list', '--json'));
  assert.deepEqual(listed.map((row) => `${row.kind} ${row.state}`), ['A01 applied', 'A08 applied', 'A03 applied']);
});

test('what cannot be used is refused with its reason, and kept', async () => {
  const nobody = text('A01', 'n4').replace('LS-9^^^LAKESIDE^MR', '');
  assert.equal(await send(nobody), 'AE n4');
  const [row] = JSON.parse(await server.run('adt', 'list', '--state', 'unreadable', '--json'));
  assert.equal(row.note, 'PID-3: no identifier');
});
