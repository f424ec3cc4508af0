// A subscriber: receives webhooks over TLS and verifies them as Standard
// Webhooks 1.0 says, with node's own crypto.
import crypto from 'node:crypto';
import fs from 'node:fs';
import https from 'node:https';
import path from 'node:path';

const TOLERANCE_S = 300;

// Why a message is not genuine; undefined when it is.
export function verify(secret, headers, body, now = Date.now() / 1000) {
  const id = headers['webhook-id'];
  const at = headers['webhook-timestamp'];
  const given = headers['webhook-signature'];
  if (!id || !at || !given) return 'a header is missing';
  if (!/^\d+$/.test(at) || Math.abs(now - Number(at)) > TOLERANCE_S) return 'the timestamp is off';
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  const right = crypto.createHmac('sha256', key).update(`${id}.${at}.`).update(body).digest();
  const genuine = given.split(' ').some((one) => {
    const [version, value] = one.split(',');
    const signature = Buffer.from(value ?? '', 'base64');
    return version === 'v1' && signature.length === right.length
      && crypto.timingSafeEqual(signature, right);
  });
  return genuine ? undefined : 'no signature fits';
}

// startHook({certs, secret}) -> { port, received, answer, stop }.
// received: [{ id, type, data, headers, body, problem }]. answer(message) may
// give a status other than 204, or {status, headers}.
export async function startHook({ certs, secret, onMessage = () => {} }) {
  const received = [];
  const hook = { received, answer: () => 204 };
  const server = https.createServer({
    cert: fs.readFileSync(path.join(certs, 'server.pem')),
    key: fs.readFileSync(path.join(certs, 'server.key')),
  }, (request, response) => {
    const parts = [];
    request.on('data', (part) => parts.push(part));
    request.on('end', () => {
      const body = Buffer.concat(parts);
      const problem = verify(secret, request.headers, body);
      const message = {
        id: request.headers['webhook-id'],
        headers: request.headers,
        body: body.toString('utf8'),
        problem,
        ...(problem ? {} : JSON.parse(body)),
      };
      received.push(message);
      onMessage(message);
      const answer = problem ? 400 : hook.answer(message);
      const { status, headers } = typeof answer === 'number' ? { status: answer, headers: {} } : answer;
      response.writeHead(status, headers);
      response.end();
    });
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  hook.port = server.address().port;
  hook.stop = () => new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  });
  return hook;
}
