// An incident lives: it is one over kills, restarts and returns; deployments
// come and go, people acknowledge it and write notes, and what we did not see
// is booked.
import assert from 'node:assert/strict';
import dgram from 'node:dgram';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';

import { makeFaults } from '../lib/faults.mjs';
import { allMeasured, dyzurny, get, scenario, until } from '../lib/world.mjs';

const NASTY = '<script>alert("x")</script> & „wracamy o 10”';

const api = async (world, rest) => (await get(`${world.daemons.at(-1).url}/api/v1/incidents${rest}`)).json();
const one = (world, number) => api(world, `/${number}`);
const kinds = (incident) => incident.timeline.map((entry) => entry.kind);
const told = (world, type) => world.hook.received.filter((message) => message.type === type && !message.problem);
const ofKind = (incident, kind) => incident.timeline.filter((entry) => entry.kind === kind);

// A change by the control socket, as any program of ours may ask for it.
function post(world, where, body) {
  return new Promise((resolve, reject) => {
    const text = JSON.stringify(body);
    const request = http.request({
      socketPath: path.join(world.dir, 'state/control'),
      path: `/api/v1/incidents/${where}`,
      method: 'POST',
      headers: { 'Content-Length': Buffer.byteLength(text) },
    }, (response) => {
      let got = '';
      response.on('data', (part) => { got += part; });
      response.on('end', () => resolve({ status: response.statusCode, json: JSON.parse(got) }));
    });
    request.on('error', reject);
    request.end(text);
  });
}

// Only logins of Vulcan, which has three schools, are judged.
const rules = (reopen) => (text) => text
  .replace(/incidents = \{[^}]*\};/, `incidents = { reopen_within = "${reopen}"; confirm_after = "1h"; };`)
  .replace('severity = 3; }', 'severity = 3; operator = "vulcan"; transaction = "login"; }');

async function loginsOf(world, dep) {
  return (await world.transactions()).find((one_) => one_.target === `vulcan/${dep}/login`);
}

// So many verdicts of that school since the daemon was started.
const heard = (world, dep, reason, n = 2) => until(`vulcan/${dep} is ${reason}`, async () => {
  const login = await loginsOf(world, dep);
  return login.reason === reason && login.ok + login.failed >= n;
}, 180);

scenario('an incident is one over kills, and is resolved once when it ended while we were down', async (world) => {
  const config = world.configure({ change: rules('10m') });
  let daemon = await world.start();
  await allMeasured(world, 2);
  const command = (...args) => dyzurny('incidents', '-c', config, ...args);

  // one school fails, then another, then the first is well
  await world.sim.fault('vulcan', 'http_503', { deployment: 'gdansk' });
  const [{ data: opened }] = await until('it is told', () => told(world, 'incident.opened').length > 0 && told(world, 'incident.opened'), 180);
  const { number } = opened;
  assert.deepEqual(opened.affected, { now: 1, most: 1, of: 3, names: ['gdansk'] });
  await world.sim.fault('vulcan', 'http_503', { deployment: 'lublin' });
  await until('lublin is affected, too', async () => (await one(world, number)).affected.now === 2, 180);
  await world.sim.clear('vulcan');
  await world.sim.fault('vulcan', 'http_503', { deployment: 'lublin' });
  await until('gdansk is well', async () => {
    const { deployments } = await one(world, number);
    return deployments.find((dep) => dep.name === 'gdansk')?.affected === false;
  }, 180);
  const grown = await one(world, number);
  assert.equal(grown.state, 'open');
  assert.deepEqual(grown.affected.names, ['lublin']);
  assert.equal(grown.affected.most, 2);
  assert.ok(grown.deployments.every((dep) => dep.since > 0));
  const [detected] = ofKind(grown, 'detected');
  assert.deepEqual([detected.data.reason, detected.data.side, detected.data.added], ['http_5xx', 'operator', ['gdansk']]);
  assert.ok(detected.data.value < detected.data.threshold);
  assert.ok(detected.runs.length > 0 && detected.trace_ids.every((id) => /^[0-9a-f]{32}$/.test(id)));
  assert.match(detected.text_pl, /dotknięte: gdansk/);
  assert.match(detected.text_en, /affected: gdansk/);

  // the evidence can be read
  const failed = grown.evidence.find((run) => run.target === 'vulcan/lublin/login' && !run.ok);
  assert.ok(failed, JSON.stringify(grown.evidence));
  assert.ok(grown.evidence.some((run) => run.ok));
  for (const run of grown.evidence) assert.equal((await get(`${daemon.url}${run.har_url}`)).status, 200, run.har_url);
  const har = await get(`${daemon.url}${failed.har_url}`);
  assert.ok(har.json().log.entries.some((entry) => entry.response.status === 503));

  // people
  assert.equal((await post(world, `${number}/acknowledge`, {})).json.error.field, 'by');
  assert.equal((await post(world, `${number}/notes`, { by: 'Ewa' })).json.error.field, 'text');
  assert.equal((await post(world, '99999/acknowledge', { by: 'Ewa' })).status, 404);
  assert.equal((await get(`${daemon.url}/api/v1/incidents/${number}/acknowledge`)).status, 405);
  const acknowledged = await command('acknowledge', String(number), '--by', 'Jan Żak');
  assert.deepEqual([acknowledged.code, acknowledged.out], [0, `incident ${number} acknowledged by Jan Żak\n`], acknowledged.err);
  assert.match((await command('acknowledge', String(number), '--by', 'Ewa')).err, /somebody has acknowledged/);
  assert.equal((await command('note', String(number), NASTY, '--by', 'Ewa')).code, 0);
  const update = await until('the subscriber hears of it', () => told(world, 'incident.updated').find((message) => message.data.acknowledged), 60);
  assert.deepEqual([update.data.acknowledged_by, update.data.confirmed_by], ['Jan Żak', 'Jan Żak']);
  assert.match((await command('list')).out, new RegExp(`^${number} +open .*Jan Żak`, 'm'));

  // killed in the outage: it goes on, and what we did not see is booked
  await daemon.stop('SIGKILL');
  daemon = await world.start();
  await heard(world, 'lublin', 'http_5xx');
  const after = await one(world, number);
  assert.equal(after.state, 'open');
  assert.equal(after.acknowledged_by, 'Jan Żak');
  assert.deepEqual(ofKind(after, 'note').map((entry) => [entry.by, entry.data.note]), [['Ewa', NASTY]]);
  const [blind] = ofKind(after, 'blind');
  assert.equal(blind.data.cause, 'stopped');
  assert.ok(blind.data.blind_s > 0 && Math.abs(after.blind_s - blind.data.blind_s) < 0.01);
  assert.equal(after.affected.most, 2);
  assert.equal((await api(world, '?state=all')).incidents.length, 1, 'no second one');

  // it ends while we are down
  await daemon.stop('SIGKILL');
  const downAt = Date.now() / 1000;
  await world.sim.clear('vulcan');
  daemon = await world.start();
  const upAt = Date.now() / 1000;
  await until('it is over', async () => (await one(world, number)).state === 'resolved', 180);
  const over = await one(world, number);
  assert.equal(ofKind(over, 'resolved').length, 1);
  assert.equal(ofKind(over, 'blind').length, 2);
  assert.ok(over.blind_s >= after.blind_s + 0 && over.blind_s < after.blind_s + (upAt - downAt) + 8, `${over.blind_s}`);
  assert.ok(Math.abs(over.lasted_s - (over.resolved - over.opened - over.blind_s)) < 2, `${over.lasted_s}`);
  assert.ok(over.deployments.every((dep) => !dep.affected && dep.until >= dep.since));
  await until('that is told', () => told(world, 'incident.resolved').length === 1, 60);
  assert.equal((await command('acknowledge', String(number), '--by', 'Ewa')).code, 1);
  assert.equal((await command('note', String(number), 'po wszystkim', '--by', 'Ewa')).code, 0);

  // the page says it all, and what people wrote is text
  for (const [lang, words] of [['pl', ['nasza usługa nie działała', 'przyjęte', 'Jan Żak', 'już w porządku: gdansk']], ['en', ['our service was stopped', 'acknowledged', 'well again: gdansk']]]) {
    const page = (await get(`${daemon.url}/incidents/${number}?lang=${lang}`)).text;
    for (const word of words) assert.ok(page.includes(word), `${lang}: ${word}`);
    assert.ok(page.includes('&lt;script&gt;alert('), lang);
    assert.ok(!page.includes('<script>alert('), lang);
  }
  const shown = await command('show', String(number));
  assert.equal(shown.code, 0, shown.err);
  assert.match(shown.out, /blind +.*our service was stopped/);

  // it returns: the same one
  await world.sim.fault('vulcan', 'http_503');
  await until('it is told again', () => told(world, 'incident.opened').length === 2, 180);
  assert.deepEqual([told(world, 'incident.opened')[1].data.number, told(world, 'incident.opened')[1].data.reopened], [number, 1]);
  await daemon.stop('SIGKILL');
  daemon = await world.start();
  await world.sim.clear('vulcan');
  await until('it is over again', async () => (await one(world, number)).state === 'resolved', 180);
  const last = await one(world, number);
  assert.equal((await api(world, '?state=all')).incidents.length, 1);
  assert.deepEqual(kinds(last).filter((kind) => ['detected', 'resolved', 'reopened'].includes(kind)), ['detected', 'resolved', 'reopened', 'resolved']);
  assert.ok(last.calm_s > 0 && Math.abs(last.resolved - last.opened - last.blind_s - last.calm_s - last.lasted_s) < 2);
  assert.deepEqual(last.timeline.filter((entry) => entry.kind === 'delivery' && entry.data.type === 'incident.opened')
    .map((entry) => entry.data.state).sort(), ['confirmed', 'confirmed', 'queued', 'queued']);

  // by what is known of it
  const found = async (query) => (await api(world, `?${query}`)).incidents?.map((incident) => incident.number);
  assert.deepEqual(await found('operator=vulcan'), [number]);
  assert.deepEqual(await found('operator=librus'), []);
  assert.deepEqual(await found(`from=${last.resolved + 60}&to=${last.resolved + 120}`), []);
  assert.deepEqual(await found(`from=${last.opened}&to=${last.opened + 1}`), [number]);
  assert.deepEqual(await found('state=open'), []);
  assert.equal((await api(world, '?operator=nobody')).error.field, 'operator');
});

scenario('what our uplink and our clock did is booked, and is not its length', async (world) => {
  const faults = makeFaults(world.dir);
  const deaf = dgram.createSocket('udp4');
  await new Promise((resolve) => { deaf.bind(0, '127.0.0.1', resolve); });
  world.t.after(() => deaf.close());
  const config = world.configure({
    change: (text) => rules('10m')(`name_servers = ( "127.0.0.1:${deaf.address().port}" );
uplink = { references = ( "255.255.255.255:9" ); };
${text}`),
  });
  const good = fs.readFileSync(config, 'utf8');
  let daemon = await world.start({ env: faults.env });
  await allMeasured(world, 2);
  const began = Date.now() / 1000;
  await world.sim.fault('vulcan', 'http_503');
  const { number } = await until('it is opened', async () => (await api(world, '?state=open')).incidents[0], 180);
  const reload = (text) => {
    fs.writeFileSync(config, text);
    daemon.child.kill('SIGHUP');
  };

  // nobody answers any more
  reload(good.replaceAll(/connect_to = "[^"]*";/g, ''));
  const begun = await until('the blind time is booked', async () => ofKind(await one(world, number), 'blind')[0], 180);
  assert.deepEqual([begun.data.cause, begun.data.to, begun.data.blind_s], ['uplink_down', null, null]);
  reload(good);
  const back = await until('it ends', async () => ofKind(await one(world, number), 'blind_over')[0], 180);
  assert.ok(back.data.blind_s > 0 && Math.abs(back.data.to - back.data.from - back.data.blind_s) < 0.01);
  // the picture of the present comes once a second
  await until('it is counted', async () => Math.abs((await one(world, number)).blind_s - back.data.blind_s) < 0.01);
  assert.equal((await one(world, number)).state, 'open');

  // the clock is set while we are stopped
  await daemon.stop('SIGKILL');
  await world.sim.clear('vulcan');
  faults.order({ wall_s: 7200 });
  daemon = await world.start({ env: faults.env });
  await until('it is over', async () => (await one(world, number)).state === 'resolved', 180);
  const lived = Date.now() / 1000 - began;
  const over = await one(world, number);
  const [clock] = ofKind(over, 'clock');
  assert.ok(Math.abs(clock.data.set_s - 7200) < 1, `${clock.data.set_s}`);
  assert.match(clock.text_en, /put forward by 2\u00a0h/);
  const stopped = ofKind(over, 'blind').find((entry) => entry.data.cause === 'stopped');
  assert.ok(stopped.data.blind_s > 0 && stopped.data.blind_s < lived, `${stopped.data.blind_s}`);
  assert.ok(over.resolved - over.opened < lived + 2, 'not two hours longer');
  assert.ok(Math.abs(over.resolved - over.opened - over.blind_s - over.lasted_s) < 2);
  assert.ok(over.blind_s > back.data.blind_s && over.lasted_s < lived - over.blind_s + 2);
  assert.equal((await api(world, '?state=all')).incidents.length, 1);
});

scenario('killed at the moment of opening and of resolving, each incident opens once and ends once', async (world) => {
  world.configure({ change: rules('0s') });
  let daemon = await world.start();
  await allMeasured(world, 2);
  const said = (event) => world.log().split(`event=${event} `).length - 1;
  const killWhen = async (event, change) => {
    const before = said(event);
    await change();
    await until(event, () => said(event) > before, 180);
    await daemon.stop('SIGKILL');
    daemon = await world.start();
  };
  const rounds = Number(process.env.INCIDENT_ROUNDS ?? 2);
  for (let round = 1; round <= rounds; round += 1) {
    await killWhen('opened', () => world.sim.fault('vulcan', 'http_503'));
    await until('it is open', async () => (await api(world, '?state=open')).incidents.length === 1, 180);
    await killWhen('resolved', () => world.sim.clear('vulcan'));
    await until('it is over', async () => (await api(world, '?state=open')).incidents.length === 0, 180);
    const { incidents } = await api(world, '?state=all');
    assert.deepEqual(incidents.map((incident) => incident.number).reverse(), Array.from({ length: round }, (_, i) => i + 1));
    for (const { number } of incidents) {
      const incident = await one(world, number);
      assert.deepEqual(kinds(incident).filter((kind) => ['detected', 'resolved', 'reopened'].includes(kind)), ['detected', 'resolved'], `${number}`);
    }
  }
  // each is told at least once of each, and a repeated one under the same id
  for (const type of ['incident.opened', 'incident.resolved']) {
    for (let number = 1; number <= rounds; number += 1) {
      const ids = await until(`${type} of ${number}`, () => {
        const all = told(world, type).filter((message) => message.data.number === number).map((message) => message.id);
        return all.length > 0 && all;
      }, 60);
      assert.equal(new Set(ids).size, 1, `${type} of ${number}`);
    }
  }
});
