// A mail server on loopback that wants TLS and a password, as those of providers do, and keeps what it is given.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { SMTPServer } from 'smtp-server';

export const PASSWORD = 'a password of the mail server';

/** Starts one; `page` is where letters lead to. `moods` is how it answers the next letters: taken where there is nothing. */
export async function postOffice(page) {
  const folder = mkdtempSync(join(tmpdir(), 'wellspoken-mail-'));
  const [letters, moods] = [[], []];
  const at = (name) => join(folder, name);
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost', '-keyout', at('key'), '-out', at('ca.pem'),
    '-addext', 'subjectAltName=DNS:localhost', '-addext', 'basicConstraints=critical,CA:FALSE'], { stdio: 'pipe' });
  writeFileSync(at('password'), PASSWORD, { mode: 0o600 });
  const post = new SMTPServer({
    key: readFileSync(at('key')),
    cert: readFileSync(at('ca.pem')),
    authMethods: ['PLAIN'],
    onAuth({ username, password }, session, done) {
      if (!session.secure) return done(new Error('not over TLS'));
      return username === 'assistant' && password === PASSWORD ? done(null, { user: username }) : done(new Error('no'));
    },
    onRcptTo({ address }, session, done) {
      const mood = moods.shift();
      if (!mood) return done();
      return done(Object.assign(new Error(mood.text), { responseCode: mood.code }));
    },
    onData(stream, session, done) {
      let text = '';
      stream.on('data', (data) => { text += data; });
      stream.on('end', () => {
        letters.push({ from: session.envelope.mailFrom.address, to: session.envelope.rcptTo.map((one) => one.address), secure: session.secure, text });
        done();
      });
    },
  });
  post.on('error', () => {});
  await new Promise((done) => post.listen(0, '127.0.0.1', done));
  const { port } = post.server.address();
  return {
    letters,
    moods,
    section: `[mail]\nhost = "localhost"\nport = ${port}\nca = "${at('ca.pem')}"\nuser = "assistant"\npassword_file = "${at('password')}"\n`
      + `from = "assistant@clinic.example"\npage = "${page}"\n`,
    /** The letter that comes next, as soon as it does. */
    async arrived(count) {
      for (let i = 0; letters.length < count; i += 1) {
        if (i >= 2400) throw new Error(`only ${letters.length} letters came`);
        await new Promise((done) => { setTimeout(done, 50); });
      }
      return letters[count - 1];
    },
    async stop() {
      await new Promise((done) => post.close(done));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
