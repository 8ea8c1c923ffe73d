// An authority of our own and a signer it certifies, made by openssl; and a proxy that signs what it passes on, as
// Amazon does.

import { execFileSync } from 'node:child_process';
import { createPrivateKey, sign } from 'node:crypto';
import { createServer } from 'node:http';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const CHAIN = '/echo.api/echo-api-cert.pem';

async function listening(handler) {
  const server = createServer(handler);
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  return { url: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}

/** A root in a file, a signer's key, and a place on loopback where its chain is fetched. */
export async function authority() {
  const folder = mkdtempSync(join(tmpdir(), 'wellspoken-authority-'));
  const at = (name) => join(folder, name);
  const make = (...more) => execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '30', ...more], { stdio: 'pipe' });
  make('-subj', '/CN=the tests', '-keyout', at('root.key'), '-out', at('root.pem'));
  make('-subj', '/CN=signer', '-CA', at('root.pem'), '-CAkey', at('root.key'), '-keyout', at('signer.key'), '-out', at('signer.pem'),
    '-addext', 'subjectAltName=DNS:echo-api.amazon.com', '-addext', 'basicConstraints=critical,CA:FALSE', '-addext', 'extendedKeyUsage=serverAuth');
  const chain = Buffer.concat([readFileSync(at('signer.pem')), readFileSync(at('root.pem'))]);
  const place = await listening((request, response) => {
    response.writeHead(request.url === CHAIN ? 200 : 403).end(request.url === CHAIN ? chain : '');
  });
  const key = createPrivateKey(readFileSync(at('signer.key')));
  return {
    roots: at('root.pem'),
    place: place.url,
    sign: (body) => sign('sha256', body, key).toString('base64'),
    close() {
      place.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Passes requests on to `url`, signed; `seen` is told each request and its answer. */
export async function signingProxy(url, signer, seen) {
  return listening(async (request, response) => {
    const pieces = [];
    for await (const piece of request) pieces.push(piece);
    const body = Buffer.concat(pieces);
    const answer = await fetch(`${url}/v1/alexa`, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json; charset=utf-8',
        SignatureCertChainUrl: `https://s3.amazonaws.com${CHAIN}`,
        'Signature-256': signer(body),
      },
      body,
    });
    const text = await answer.text();
    seen(answer.status, JSON.parse(body), JSON.parse(text));
    response.writeHead(answer.status, { 'Content-Type': 'application/json' }).end(text);
  });
}
