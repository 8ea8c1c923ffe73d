// A real server with the demo people, in a folder of its own, on a free port.

import { spawn, execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

import { search } from './residue.mjs';

const run = promisify(execFile);
export const root = resolve(import.meta.dirname, '../..');

function binary() {
  const target = process.env.CARGO_TARGET_DIR ?? join(root, 'target');
  const path = process.env.WELLSPOKEN_BIN ?? join(resolve(root, target), 'debug/wellspoken');
  if (!existsSync(path)) throw new Error(`${path} is not there; run: cargo build --bin wellspoken`);
  return path;
}

/** A port that nobody listens on now. */
export const free = () => new Promise((done) => {
  const socket = createServer();
  socket.listen(0, '127.0.0.1', () => { const { port } = socket.address(); socket.close(() => done(port)); });
});

/** Starts a server; `link()` makes a fresh one-time link to its talk page. `section` is more of its configuration. */
export async function start({ now, section = '', listen = '127.0.0.1:0' } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'wellspoken-web-'));
  const config = join(folder, 'config.toml');
  await writeFile(config, `[http]\nlisten = "${listen}"\n${section}`);
  const options = [
    '--config', config, '--data-dir', join(folder, 'data'), '--key-file', join(folder, 'keys/master.key'),
    ...(now ? ['--now', now] : []),
  ];
  const server = spawn(binary(), [...options, 'serve', '--demo'], { stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let log = '';
  server.stderr.on('data', (data) => { log += data; });
  const ready = new Promise((done, fail) => {
    server.stdout.on('data', (data) => {
      out += data;
      const url = /^listening on (\S+)$/m.exec(out)?.[1];
      const link = /(http\S+\/#\S+)/.exec(out)?.[1];
      if (url && link) done({ url, link });
    });
    server.on('exit', (code) => fail(new Error(`the server ended with ${code}: ${log}`)));
  });
  const limit = setTimeout(() => server.kill('SIGKILL'), 60_000);
  const { url, link } = await ready;
  clearTimeout(limit);
  return {
    url,
    first: link,
    log: () => log,
    /** The port at which it takes admissions. */
    admissions: () => /^admissions on \S+:(\d+)$/m.exec(out)?.[1],
    /** Runs another command of the program beside it; gives what it prints. */
    async run(...command) {
      return (await run(binary(), [...options, ...command], { maxBuffer: 16 << 20 })).stdout;
    },
    /** Another one-time link, for `channel` and whatever else `credential new` takes. */
    async link(...more) {
      const { stdout } = await run(binary(), [...options, 'credential', 'new', '--link', url, ...more]);
      return /(http\S+\/#\S+)/.exec(stdout)[1];
    },
    async stop() {
      if (server.exitCode === null) {
        const ended = once(server, 'exit');
        server.kill('SIGTERM');
        await ended;
      }
      try {
        await search(folder, out + log);
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
      return server.exitCode;
    },
  };
}
