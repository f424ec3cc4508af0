// The smallest register there is, and a name server: for what is about names
// and time, not about pages. Both on loopback, ports from 0.
import dgram from 'node:dgram';
import fs from 'node:fs';
import https from 'node:https';
import path from 'node:path';

// startRegister({ certs, answer }) -> { port, stop }: answer(response) is
// called for each request, and ends it.
export async function startRegister({ certs, answer }) {
  const server = https.createServer({
    cert: fs.readFileSync(path.join(certs, 'server.pem')),
    key: fs.readFileSync(path.join(certs, 'server.key')),
  }, (request, response) => answer(response));
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  return {
    port: server.address().port,
    stop: () => new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections?.();
    }),
  };
}

// The answer to a question of one name: 127.0.0.1 for an A record, else none.
function answerTo(question, end) {
  const isAddress = question.readUInt16BE(end - 4) === 1;
  const head = Buffer.from(question.subarray(0, end));
  head.writeUInt16BE(0x8480, 2);
  head.writeUInt16BE(isAddress ? 1 : 0, 6);
  head.fill(0, 8, 12);
  return isAddress
    ? Buffer.concat([head, Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1])])
    : head;
}

// startNames(isSilent) -> { address, asked, stop }: no answer to a name for
// which isSilent(name) holds. asked: how often for each name.
export async function startNames(isSilent) {
  const socket = dgram.createSocket('udp4');
  const asked = new Map();
  socket.on('message', (question, from) => {
    const labels = [];
    let at = 12;
    for (; question[at] > 0; at += question[at] + 1) {
      labels.push(question.toString('latin1', at + 1, at + 1 + question[at]));
    }
    const name = labels.join('.');
    asked.set(name, (asked.get(name) ?? 0) + 1);
    if (!isSilent(name)) socket.send(answerTo(question, at + 5), from.port, from.address);
  });
  await new Promise((resolve) => { socket.bind(0, '127.0.0.1', resolve); });
  return {
    address: `127.0.0.1:${socket.address().port}`,
    asked,
    stop: () => new Promise((resolve) => { socket.close(resolve); }),
  };
}
