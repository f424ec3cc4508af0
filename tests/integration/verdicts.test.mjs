// What the daemon makes of trouble: whose it is, one incident, and proof of it
// at the subscribers.
import assert from 'node:assert/strict';
import dgram from 'node:dgram';
import fs from 'node:fs';
import net from 'node:net';

import { allMeasured, get, scenario, until } from '../lib/world.mjs';

scenario('an overload opens one incident, which resolves, and both are delivered once with proof', async (world) => {
  world.configure();
  const daemon = await world.start();
  await allMeasured(world, 2);
  await world.sim.fault('wizja', 'overload_page');
  await until('wizja is down', async () => (await world.status()).operators
    .find((operator) => operator.name === 'wizja').state === 'down', 180);
  const opened = await until('the incident is delivered', () => world.hook.received
    .find((message) => message.type === 'incident.opened'), 180);
  assert.equal(opened.problem, undefined);
  assert.equal(opened.data.operator, 'wizja');
  assert.equal(opened.data.reason, 'overload_page');
  assert.equal(opened.data.side, 'operator');
  assert.ok(opened.data.trace_ids.length > 0);
  await world.sim.clear();
  await until('it is resolved', () => world.hook.received.find((message) => message.type === 'incident.resolved'), 180);
  const { incidents } = (await get(`${daemon.url}/api/v1/incidents?state=all`)).json();
  assert.deepEqual(incidents.map((incident) => [incident.operator, incident.deployment, incident.transaction]),
    [['wizja', null, 'login']], 'one incident, and nobody else is blamed');
  const one = (await get(`${daemon.url}/api/v1/incidents/${opened.data.number}`)).json();
  assert.ok(one.resolved > one.opened);
  assert.ok(one.timeline.length >= 3);
  for (const type of ['incident.opened', 'incident.resolved']) {
    const ids = world.hook.received.filter((message) => message.type === type).map((message) => message.id);
    assert.equal(new Set(ids).size, ids.length, 'each id came once');
  }
  assert.ok(world.hook.received.every((message) => message.problem === undefined));
});

// A configuration in which no name is resolved any more, and the one before.
async function deafen(world, references) {
  const deaf = dgram.createSocket('udp4');
  await new Promise((resolve) => { deaf.bind(0, '127.0.0.1', resolve); });
  world.t.after(() => deaf.close());
  const config = world.configure({
    change: (text) => `name_servers = ( "127.0.0.1:${deaf.address().port}" );\n${references}\n${text}`,
  });
  const daemon = await world.start();
  await allMeasured(world, 2);
  const good = fs.readFileSync(config, 'utf8');
  const set = (text) => {
    fs.writeFileSync(config, text);
    daemon.child.kill('SIGHUP');
  };
  set(good.replaceAll(/connect_to = "[^"]*";/g, ''));
  return { daemon, mend: () => set(good) };
}

const everyLogin = async (world, reason) => (await world.transactions())
  .filter((one) => one.target.endsWith('/login')).every((one) => one.reason === reason);

scenario('when nobody at all answers it is our own uplink, and nobody is blamed', async (world) => {
  const { daemon, mend } = await deafen(world, 'uplink = { references = ( "255.255.255.255:9" ); };');
  await until('the uplink is found to be down', () => /uplink down/.test(world.log()), 180);
  await until('every login says so', () => everyLogin(world, 'uplink_down'), 180);
  for (const operator of ['librus', 'vulcan', 'helion', 'wizja', 'eszkola24']) {
    // the ledger has it a moment later
    await until(`${operator}'s last run says so`, async () => {
      const { runs } = (await get(`${daemon.url}/api/v1/runs?target=${operator}&limit=1`)).json();
      return runs[0].ok === null && runs[0].reason === 'uplink_down' && runs[0].side === 'ours';
    });
  }
  assert.match(world.log(), /references silent while operators answer/);
  mend();
  await until('it is back', () => /uplink back/.test(world.log()), 180);
  await until('all go on', async () => (await world.transactions())
    .every((one) => ['ok', 'tainted'].includes(one.reason)), 180);
  assert.doesNotMatch(world.log(), /interval grown|event=opened/);
});

scenario('a reference that answers clears our uplink', async (world) => {
  const reference = net.createServer((socket) => socket.end());
  await new Promise((resolve) => { reference.listen(0, '127.0.0.1', resolve); });
  world.t.after(() => reference.close());
  let asked = 0;
  reference.on('connection', () => { asked += 1; });
  await deafen(world, `uplink = { references = ( "127.0.0.1:${reference.address().port}" ); };`);
  await until('every login is silent', () => everyLogin(world, 'dns_timeout'), 180);
  await until('an incident is opened', () => /event=opened/.test(world.log()), 180);
  assert.ok(asked > 1, 'once at the start');
  assert.doesNotMatch(world.log(), /uplink down|references silent/);
});

scenario('a receiver that fails gets the same message again', async (world) => {
  world.configure();
  await world.start();
  let refused = 0;
  world.hook.answer = () => {
    refused += 1;
    return refused === 1 ? 503 : 204;
  };
  // three schools, so that there is enough to judge before they are asked less
  await world.sim.fault('vulcan', 'http_503');
  await until('the second try', () => world.hook.received.length >= 2, 180);
  const [first, second] = world.hook.received;
  assert.equal(second.id, first.id);
  assert.equal(second.body, first.body);
  assert.ok(Number(second.headers['webhook-timestamp']) >= Number(first.headers['webhook-timestamp']));
});
