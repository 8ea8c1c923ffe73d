// How long a WAV file is, in seconds.

import { readFileSync } from 'node:fs';

export function seconds(path) {
  const bytes = readFileSync(path);
  let at = 12;
  let rate = 0;
  while (at + 8 <= bytes.length) {
    const name = bytes.toString('latin1', at, at + 4);
    const size = bytes.readUInt32LE(at + 4);
    if (name === 'fmt ') rate = bytes.readUInt32LE(at + 16);
    if (name === 'data') return Math.min(size, bytes.length - at - 8) / rate;
    at += 8 + size + (size % 2);
  }
  throw new Error(`${path} is no WAV file`);
}
