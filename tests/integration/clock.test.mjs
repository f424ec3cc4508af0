// The wall clock jumps and the machine sleeps while the daemon measures: no
// false alarm, right lengths, and it says so as its own trouble.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after } from 'node:test';

import { makeFaults } from '../lib/faults.mjs';
import { allMeasured, get, scenario, until } from '../lib/world.mjs';

const HOUR = 3600;
const YEAR = 365 * 24 * HOUR;

async function metric(world, name) {
  const { text } = await get(`${world.daemons.at(-1).url}/metrics`);
  const line = new RegExp(`^${name}\\{vantage="demo"\\} (.*)$`, 'm').exec(text);
  return Number(line?.[1]);
}

const results = ({ ok, failed, excluded }) => ok + failed + excluded;

// Each transaction has a result that began after now: the second from now, as
// the first may be of a run that is under way.
async function moreResults(world) {
  const before = new Map((await world.transactions()).map((one) => [one.target, results(one)]));
  return until('each transaction is measured again', async () => {
    const all = await world.transactions();
    return all.every((one) => results(one) > before.get(one.target) + 1) && all;
  }, 180);
}

async function noFalseAlarm(world) {
  const all = await world.transactions();
  assert.deepEqual(all.filter((one) => one.failed > 0 || one.state === 'down').map((one) => `${one.target} ${one.state} ${one.reason}`), []);
  const { incidents } = (await get(`${world.daemons.at(-1).url}/api/v1/incidents?state=all`)).json();
  assert.deepEqual(incidents, []);
  assert.deepEqual(world.hook.received, []);
  assert.doesNotMatch(world.log(), /"?incident"? .*event=opened|to=down/);
}

scenario('a wall clock that is set is nobody\'s fault but ours', async (world) => {
  const faults = makeFaults(world.dir);
  world.configure();
  await world.start({ env: { ...faults.env, TZ: 'Europe/Warsaw' } });
  await allMeasured(world, 2);
  let jumps = 0;
  const jumpTo = async (wall_s) => {
    faults.order({ wall_s });
    jumps += 1;
    await until('the jump is noticed', async () => await metric(world, 'dyzurny_clock_jumps_total') >= jumps);
    assert.ok(Math.abs(await metric(world, 'dyzurny_clock_set_seconds') - wall_s) < 1);
    assert.equal((await get(`${world.daemons.at(-1).url}/readyz`)).status, 200);
    const all = await moreResults(world);
    const { time } = await world.status();
    for (const one of all) assert.ok(Math.abs(time - one.last_run) < 120, `${one.target}: ${time - one.last_run} s old`);
  };
  for (const to of [HOUR, 0, YEAR, -600, -1200, 0]) await jumpTo(to);
  await noFalseAlarm(world);
  assert.match(world.log(), /warn clock jumped by_s=3600\.0 .*side=ours/);
  const ratios = (await world.transactions()).map((one) => one.availability_24h);
  assert.ok(ratios.every((ratio) => ratio === 1), `${ratios}`);
});

scenario('an incident lasts as long as it lasted, whatever the clock was set to', async (world) => {
  const faults = makeFaults(world.dir);
  world.configure();
  await world.start({ env: faults.env });
  await allMeasured(world, 2);
  await world.sim.fault('helion', 'http_503');
  const told = (type) => until(`${type} is told`, () => world.hook.received.find((message) => message.type === type && !message.problem), 180);
  await told('incident.opened');
  const opened = Date.now();
  faults.order({ wall_s: HOUR });
  await until('the jump is noticed', async () => await metric(world, 'dyzurny_clock_jumps_total') === 1);
  await moreResults(world);
  faults.order({ wall_s: 24 * HOUR });
  await until('the next one is, too', async () => await metric(world, 'dyzurny_clock_jumps_total') === 2);
  await world.sim.clear('helion');
  const { incidents } = await until('it is over', async () => {
    const list = (await get(`${world.daemons.at(-1).url}/api/v1/incidents?state=all`)).json();
    return list.incidents.every((one) => one.state === 'resolved') && list;
  }, 180);
  const lasted = (Date.now() - opened) / 1000;
  for (const one of incidents) {
    const length = one.resolved - one.opened;
    assert.ok(length > 0 && length < lasted + 60, `${one.scope}: ${length} s of ${lasted} s`);
  }
  // the receiver refuses what is signed tomorrow: it is told when all is well
  faults.order();
  await told('incident.resolved');
});

scenario('what was under way while the machine slept is not measured', async (world) => {
  const faults = makeFaults(world.dir);
  world.configure();
  await world.start({ env: faults.env });
  await allMeasured(world, 2);
  const before = (await world.transactions()).reduce((sum, one) => sum + one.excluded, 0);
  faults.order({ wall_s: 8 * HOUR, boot_s: 8 * HOUR });
  await until('the sleep is noticed', async () => await metric(world, 'dyzurny_machine_sleeps_total') === 1);
  const all = await moreResults(world);
  assert.ok(all.reduce((sum, one) => sum + one.excluded, 0) > before, 'some run was under way');
  assert.equal(await metric(world, 'dyzurny_clock_jumps_total'), 0);
  await noFalseAlarm(world);
  assert.match(world.log(), /warn machine slept for_s=28800\.0 side=ours/);
});

// The next instant at which summer time begins or ends in Poland: 01:00 UTC on
// the last Sunday of March or October.
function nextChange() {
  for (let day = new Date(); ; day = new Date(day.getTime() + 24 * HOUR * 1000)) {
    const month = day.getUTCMonth();
    if (day.getUTCDay() === 0 && day.getUTCDate() > 24 && (month === 2 || month === 9)) {
      const at = Date.UTC(day.getUTCFullYear(), month, day.getUTCDate(), 1);
      if (at > Date.now()) return at / 1000;
    }
  }
}

// The operators live in the same night.
const night = fs.mkdtempSync(path.join(os.tmpdir(), 'night-'));
const inTheNight = makeFaults(night);

scenario('the night in which summer time begins or ends is like any other', async (world) => {
  const change = nextChange();
  world.configure();
  inTheNight.order({ wall_s: change - 10 - Date.now() / 1000 });
  await world.start({ env: { ...inTheNight.env, TZ: 'Europe/Warsaw' } });
  await allMeasured(world, 2);
  await until('the change is over', async () => (await world.status()).time > change);
  await moreResults(world);
  assert.equal(await metric(world, 'dyzurny_clock_jumps_total'), 0);
  await noFalseAlarm(world);
  const ratios = (await world.transactions()).map((one) => one.availability_24h);
  assert.ok(ratios.every((ratio) => ratio === 1), `${ratios}`);
  for (const page of ['/', '/operators/librus', '/incidents']) {
    assert.equal((await get(`${world.daemons.at(-1).url}${page}`)).status, 200, page);
  }
}, { simEnv: { ...inTheNight.env, TZ: 'Europe/Warsaw' } });
after(() => fs.rmSync(night, { recursive: true, force: true }));
