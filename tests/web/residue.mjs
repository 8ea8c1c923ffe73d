// What a server leaves behind and logs, searched for the canary person; as tests/it/residue.rs does for the Rust tests.

import { appendFile, readFile, readdir } from 'node:fs/promises';
import { extname, join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');
const GIVEN = ['.json', '.ndjson', '.wav'];

async function canaryWords() {
  const source = await readFile(join(root, 'src/records/demo.rs'), 'utf8');
  const list = /CANARY_WORDS[^=]*= \[([^\]]*)\]/.exec(source)[1];
  const words = [...list.matchAll(/"([^"]+)"/g)].map((match) => match[1].toLowerCase());
  if (words.length < 20) throw new Error('the canary words in src/records/demo.rs were not found');
  return words;
}

/** Throws where a word of the canary person stands in clear below `folder` or in `printed`. */
export async function search(folder, printed) {
  const words = await canaryWords();
  const hits = [];
  const look = (name, text) => hits.push(...words.filter((word) => text.includes(word)).map((word) => `${word} in ${name}`));
  let files = 0;
  let bytes = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || GIVEN.includes(extname(entry.name))) continue;
    const content = await readFile(join(entry.parentPath ?? entry.path, entry.name));
    files += 1;
    bytes += content.length;
    look(entry.name, content.toString('latin1').toLowerCase());
  }
  look('what it printed', printed.toLowerCase());
  if (process.env.WELLSPOKEN_RESIDUE) {
    await appendFile(process.env.WELLSPOKEN_RESIDUE, `${files}\t${bytes}\t${hits.length}\n`);
  }
  if (hits.length > 0) throw new Error(`in clear, after the test: ${hits.join(', ')}`);
}
