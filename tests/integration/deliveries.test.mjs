// What subscribers get, each in its own format; and what becomes of a message
// that nobody took.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';

import { allMeasured, dyzurny, get, scenario, until } from '../lib/world.mjs';

// A receiver that takes all there is: [{ path, headers, body }].
async function startReceiver(answer = () => 200) {
  const received = [];
  const server = http.createServer((request, response) => {
    const parts = [];
    request.on('data', (part) => parts.push(part));
    request.on('end', () => {
      const one = { path: request.url, headers: request.headers, body: Buffer.concat(parts).toString('utf8') };
      received.push(one);
      const status = answer(one);
      response.writeHead(status, status === 302 ? { location: '/elsewhere' } : {});
      response.end();
    });
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  return {
    received,
    at: (where) => received.filter((one) => one.path === where).map((one) => ({ ...one, json: JSON.parse(one.body) })),
    url: `http://127.0.0.1:${server.address().port}`,
    stop: () => new Promise((resolve) => { server.close(resolve); server.closeAllConnections(); }),
  };
}

async function freePort() {
  const server = net.createServer();
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const { port } = server.address();
  await new Promise((resolve) => { server.close(resolve); });
  return port;
}

// Debian's prometheus-alertmanager, which tells the receiver what it knows.
async function startAlertmanager(dir, webhook) {
  const port = await freePort();
  const config = path.join(dir, 'alertmanager.yml');
  fs.writeFileSync(config, `route: { receiver: us, group_by: [incident], group_wait: 0s, group_interval: 1s, repeat_interval: 1h }
receivers: [ { name: us, webhook_configs: [ { url: '${webhook}', send_resolved: true } ] } ]
`);
  const child = spawn('prometheus-alertmanager', [`--config.file=${config}`, `--storage.path=${path.join(dir, 'alertmanager')}`,
    `--web.listen-address=127.0.0.1:${port}`, '--cluster.listen-address='], { stdio: 'ignore' });
  const ended = new Promise((resolve) => { child.on('close', resolve); });
  const url = `http://127.0.0.1:${port}`;
  await until('Alertmanager is ready', async () => (await get(`${url}/-/ready`)).status === 200);
  return { url, stop: () => { child.kill('SIGKILL'); return ended; } };
}

const subscriber = (world, name, url, more) => `{ name = "${name}"; url = "${url}"; allow_private = true; ${more} }`;
const withKey = (world) => `secret_file = "${world.dir}/hook.secret";`;
const subscribed = (list) => (text) => text.replace(/subscribers = \([\s\S]*?\n\);/, `subscribers = (\n  ${list.join(',\n  ')}\n);`);

scenario('each subscriber gets its own format, and a real Alertmanager fires and resolves', async (world) => {
  const receiver = await startReceiver();
  world.t.after(() => receiver.stop());
  const alertmanager = await startAlertmanager(world.dir, `${receiver.url}/from-alertmanager`);
  world.t.after(() => alertmanager.stop());
  world.configure({
    change: subscribed([
      subscriber(world, 'own', `${receiver.url}/own`, withKey(world)),
      subscriber(world, 'like-am', `${receiver.url}/like-am`, 'format = "alertmanager"; language = "en";'),
      subscriber(world, 'am', `${alertmanager.url}/api/v2/alerts`, 'format = "alertmanager_api";'),
      subscriber(world, 'chat', `${receiver.url}/chat`, 'format = "chat";'),
    ]),
  });
  const daemon = await world.start();
  await allMeasured(world, 2);
  await world.sim.fault('wizja', 'http_503', { transaction: 'login' });

  // firing, at all four
  const [own] = await until('our own format came', () => receiver.at('/own').length > 0 && receiver.at('/own'), 180);
  assert.equal(own.json.type, 'incident.opened');
  const { number } = own.json.data;
  const [like] = await until('the webhook of version 4 came', () => receiver.at('/like-am').length > 0 && receiver.at('/like-am'));
  assert.equal(like.json.version, '4');
  assert.equal(like.json.alerts[0].labels.incident, String(number));
  assert.equal(like.headers['webhook-signature'], undefined, 'no key, no signature');
  const [chat] = await until('the chat was told', () => receiver.at('/chat').length > 0 && receiver.at('/chat'));
  assert.match(chat.json.text, new RegExp(`^\\[symulacja\\] \\*Incydent ${number}, otwarty\\*`));
  const [alert] = await until('Alertmanager has it', async () => {
    const alerts = (await get(`${alertmanager.url}/api/v2/alerts`)).json();
    return alerts.length > 0 && alerts;
  });
  assert.equal(alert.labels.operator, 'wizja');
  assert.equal(alert.labels.incident, String(number));
  assert.equal(alert.status.state, 'active');
  assert.ok(Date.parse(alert.endsAt) > Date.now() + 3000000, 'it is believed for an hour');
  const passedOn = (status) => receiver.at('/from-alertmanager').filter((one) => one.json.status === status);
  await until('Alertmanager fires', () => passedOn('firing').length > 0);

  // what Alertmanager itself posts and what we post look alike
  const theirs = passedOn('firing')[0].json;
  assert.deepEqual(Object.keys(like.json).sort(), Object.keys(theirs).sort());
  assert.deepEqual(Object.keys(like.json.alerts[0]).sort(), Object.keys(theirs.alerts[0]).sort());

  // resolved, at all four
  await world.sim.clear();
  await until('it is resolved for us', () => receiver.at('/own').some((one) => one.json.type === 'incident.resolved'), 180);
  const [over] = await until('and in the webhook', () => {
    const all = receiver.at('/like-am').filter((one) => one.json.status === 'resolved');
    return all.length > 0 && all;
  });
  assert.equal(over.json.alerts[0].fingerprint, like.json.alerts[0].fingerprint);
  await until('and in the chat', () => receiver.at('/chat').some((one) => one.json.text.includes('zakończony')));
  await until('and Alertmanager says so', () => passedOn('resolved').length > 0, 180);

  // a test message, by command
  for (const name of ['own', 'chat']) {
    const { code, out } = await dyzurny('deliveries', '-c', world.config, 'test', name);
    assert.equal(code, 0, out);
  }
  await until('the test messages came', () => receiver.at('/own').some((one) => one.json.type === 'test')
    && receiver.at('/chat').some((one) => one.json.text.includes('próbna')));
  const wrong = await dyzurny('deliveries', '-c', world.config, 'test', 'nobody');
  assert.equal(wrong.code, 1);
  assert.match(wrong.err, /no subscriber has this name/);
  const metrics = (await get(`${daemon.url}/metrics`)).text;
  assert.match(metrics, /dyzurny_subscriber_pending\{[^}]*subscriber="own"[^}]*\} 0/);
});

scenario('a receiver that is gone gets its dead letters when somebody asks for it', async (world) => {
  let status = 410;
  const receiver = await startReceiver(() => status);
  world.t.after(() => receiver.stop());
  world.configure({ change: subscribed([subscriber(world, 'own', `${receiver.url}/own`, withKey(world))]) });
  const daemon = await world.start();
  const deliveries = async (state) => (await get(`${daemon.url}/api/v1/deliveries${state ? `?state=${state}` : ''}`)).json();
  const test = () => dyzurny('deliveries', '-c', world.config, 'test', 'own');
  assert.equal((await test()).code, 0);
  const [dead] = await until('the delivery is dead', async () => {
    const list = (await deliveries('dead')).deliveries;
    return list.length > 0 && list;
  });
  assert.equal(dead.last_status, 410);
  await until('it is closed', async () => (await deliveries()).subscribers[0].closed);
  const list = await dyzurny('deliveries', '-c', world.config, 'list', '--state', 'dead');
  assert.match(list.out, new RegExp(`${dead.id} +.* own +test +0 +dead +1 +- +HTTP 410`));
  assert.match(list.out, /own answered 410/);
  // closed: nothing more is tried
  assert.equal((await test()).code, 0);
  await until('the second waits', async () => (await deliveries('pending')).deliveries.length === 1);
  assert.equal(receiver.received.length, 1);

  // no change from outside, and none of what is not there
  assert.equal((await get(`${daemon.url}/api/v1/deliveries/${dead.id}/retry`, { method: 'POST' })).status, 401);
  const none = await dyzurny('deliveries', '-c', world.config, 'retry', '12345');
  assert.equal(none.code, 1);
  assert.match(none.err, /no such delivery/);

  // a redirect is no delivery either, and is not followed
  status = 302;
  assert.equal((await dyzurny('deliveries', '-c', world.config, 'retry', String(dead.id))).code, 0);
  await until('both were tried', () => receiver.received.length >= 3);
  assert.ok(receiver.received.every((one) => one.path === '/own'));
  await until('both wait', async () => (await deliveries('pending')).deliveries.length === 2);
  status = 204;
  await until('both arrive', async () => (await deliveries('confirmed')).deliveries.length === 2, 60);
  const again = receiver.received.filter((one) => one.headers['webhook-id'] === dead.webhook_id);
  assert.ok(again.length >= 3, 'the same id over all tries');
  assert.equal(new Set(again.map((one) => one.body)).size, 1);
  const both = await dyzurny('deliveries', '-c', world.config, 'retry', String(dead.id));
  assert.match(both.err, /is not dead/);
  assert.equal((await dyzurny('deliveries', '-c', world.config, 'retry', '--all-dead')).code, 0);
  assert.equal((await dyzurny('deliveries', '-c', world.config, 'retry')).code, 2);
});
