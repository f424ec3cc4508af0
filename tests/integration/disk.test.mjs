// The disk runs full, breaks, and descriptors run out while the daemon
// measures: it goes on, blames nobody, and recovers without a hand.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

import { makeFaults } from '../lib/faults.mjs';
import { allMeasured, binary, get, run, scenario, until } from '../lib/world.mjs';

async function metrics(world) {
  const { text } = await get(`${world.daemons.at(-1).url}/metrics`);
  return {
    fault: (name) => new RegExp(`^dyzurny_own_fault\\{.*fault="${name}"\\} 1$`, 'm').test(text),
    value: (name) => Number(new RegExp(`^${name}\\{vantage="demo"\\} (.*)$`, 'm').exec(text)?.[1]),
  };
}

const fault = async (world, name) => (await metrics(world)).fault(name);

async function nobodyIsBlamed(world, except = []) {
  const all = (await world.transactions()).filter((one) => !except.some((name) => one.target.startsWith(`${name}/`)));
  assert.deepEqual(all.filter((one) => one.failed > 0 || one.state === 'down').map((one) => `${one.target} ${one.state} ${one.reason}`), []);
}

// Each transaction has so many more good results.
async function goesOn(world, n = 1) {
  const before = new Map((await world.transactions()).map((one) => [one.target, one.ok]));
  await until('it goes on measuring', async () => (await world.transactions())
    .every((one) => one.ok >= before.get(one.target) + n), 180);
}

const sumOf = ({ operators }) => operators.flatMap((operator) => operator.deployments)
  .flatMap((deployment) => deployment.transactions)
  .reduce((sum, one) => sum + one.ok + one.failed + one.excluded, 0);

// All results since the start are in the ledger, to the last one: none was lost
// while it could not be written. What a snapshot counts is committed right
// after it, so that both are the same until the next one. `there` runs a
// command where the daemon's disk is.
async function everyResultIsWritten(world, there = []) {
  const file = path.join(world.dir, 'state/ledger.db');
  const [command, ...args] = [...there, 'sqlite3', '-readonly', file, 'select sum(ok + failed + excluded) from tally'];
  await until('every result is in the ledger', async () => {
    const before = await world.status();
    const { out, err } = await run(command, args);
    const after = await world.status();
    if (err !== '') throw new Error(err);
    if (Number(out) !== sumOf(before)) throw new Error(`${out.trim()} of ${sumOf(before)}`);
    return before.time === after.time;
  });
}

// startOnSmallDisk(world, megabytes) -> the state directory as seen from here:
// a disk of its own, which only the daemon sees.
async function startOnSmallDisk(world, megabytes) {
  const state = path.join(world.dir, 'state');
  const wrapper = path.join(world.dir, 'on-small-disk');
  fs.mkdirSync(state);
  fs.writeFileSync(wrapper, `#!/bin/sh
exec unshare -Urm sh -c 'mount -t tmpfs -o size=${megabytes}m tmpfs ${state} && exec "$@"' sh ${binary} "$@"
`, { mode: 0o755 });
  const daemon = await world.start({ binary: wrapper });
  return `/proc/${daemon.child.pid}/root${state}`;
}

function fill(file) {
  const handle = fs.openSync(file, 'w');
  const piece = Buffer.alloc(65536);
  for (let size = piece.length; size >= 512;) {
    try {
      fs.writeSync(handle, piece, 0, size);
    } catch (error) {
      if (error.code !== 'ENOSPC') throw error;
      size /= 2;
    }
  }
  fs.closeSync(handle);
}

scenario('a full disk stops neither measuring nor telling, and nothing is lost', async (world) => {
  // in some containers nobody but root outside may mount
  const may = await run('unshare', ['-Urm', 'mount', '-t', 'tmpfs', 'tmpfs', world.dir]);
  if (may.code !== 0) {
    world.t.skip(`no disk of its own: ${may.err.trim()}`);
    return;
  }
  world.configure();
  const state = await startOnSmallDisk(world, 256);
  await allMeasured(world, 1);
  assert.ok(fs.statSync(path.join(state, 'ledger.db.reserve')).size >= 16 << 20);
  fill(path.join(state, 'filler'));
  await until('it says that its disk is full', () => fault(world, 'store'));
  assert.equal((await get(`${world.daemons[0].url}/healthz`)).status, 200);
  assert.equal((await get(`${world.daemons[0].url}/readyz`)).status, 200);
  await goesOn(world);
  await nobodyIsBlamed(world);
  // the reserve is there for those whom an outage hurts: three schools, so that
  // there is enough to judge, however slow the machine
  await world.sim.fault('vulcan', 'http_503');
  await until('the incident is delivered', () => world.hook.received
    .some((message) => message.type === 'incident.opened' && message.data.operator === 'vulcan'), 180);
  assert.ok(!fs.existsSync(path.join(state, 'ledger.db.reserve')), 'it was let go');
  // and when that is full as well, it waits
  fill(path.join(state, 'filler2'));
  await world.sim.clear('vulcan');
  await until('writing fails', () => /ledger write failed/.test(world.log()));
  const told = world.hook.received.length;
  await goesOn(world, 3);
  assert.equal(world.hook.received.length, told, 'what is not on the disk is not told');
  for (const name of ['filler', 'filler2']) fs.unlinkSync(path.join(state, name));
  await until('it is well again', async () => !await fault(world, 'store'), 180);
  await everyResultIsWritten(world, ['nsenter', '-t', String(world.daemons[0].child.pid), '-U', '-m', '--preserve-credentials']);
  await until('the end is told, too', () => world.hook.received
    .some((message) => message.type === 'incident.resolved'), 180);
  await until('the reserve is made again', () => fs.existsSync(path.join(state, 'ledger.db.reserve')));
  await nobodyIsBlamed(world, ['vulcan']);
  const log = world.log();
  for (const line of [/error disk full, reserve let go .*side=ours/, /info disk has room again/, /info ledger writes again/]) assert.match(log, line);
  assert.ok(log.match(/ledger write failed/g).length < 5, 'said once, not each time');
  assert.doesNotMatch(log, /dropped/);
});

scenario('a disk that breaks stops nothing, and what was found is written when it is whole', async (world) => {
  const state = path.join(world.dir, 'state');
  const faults = makeFaults(world.dir, state);
  world.configure();
  await world.start({ env: faults.env });
  await allMeasured(world, 1);
  for (const [problem, what] of [['EIO', ['write', 'sync']], ['ENOSPC', ['write', 'open']]]) {
    faults.order({ problem, what });
    await until('it says that it cannot write', () => fault(world, 'store'));
    await goesOn(world);
    await nobodyIsBlamed(world);
    faults.order();
    await until('it is well again', async () => !await fault(world, 'store'), 180);
    await everyResultIsWritten(world);
  }
  const { incidents } = (await get(`${world.daemons[0].url}/api/v1/incidents?state=all`)).json();
  assert.deepEqual(incidents, []);
  const check = await run('sqlite3', ['-readonly', path.join(state, 'ledger.db'), 'pragma integrity_check']);
  assert.equal(check.out.trim(), 'ok');
});

scenario('a store that cannot follow has a full queue, which is counted and shown', async (world) => {
  world.configure({ change: (text) => text.replace('runs_kept = 50;', 'runs_kept = 50; queue = "64kB";') });
  await world.start();
  await allMeasured(world, 1);
  // somebody else holds the ledger, and each write waits for it in vain
  const holder = spawn('sqlite3', [path.join(world.dir, 'state/ledger.db')], { stdio: ['pipe', 'ignore', 'inherit'] });
  const gone = new Promise((resolve) => { holder.on('exit', resolve); });
  holder.stdin.write('.timeout 10000\nBEGIN IMMEDIATE;\n');
  await until('the queue is full', async () => {
    const { fault: is, value } = await metrics(world);
    return is('queue') && is('store') && value('dyzurny_store_refused_total') > 0;
  });
  const { self } = await world.status();
  assert.ok(self.faults.includes('queue') && self.store_refused > 0);
  const { out } = await run(binary, ['status', '--url', world.daemons[0].url]);
  assert.match(out, /^wrong with ourselves: store, queue$/m);
  await goesOn(world);
  await nobodyIsBlamed(world);
  holder.stdin.end('ROLLBACK;\n');
  await gone;
  await until('it writes again', async () => !await fault(world, 'store'));
  await until('and says so', () => /info ledger writes again/.test(world.log()));
  await nobodyIsBlamed(world);
});

scenario('without descriptors nobody is blamed, and with them all is as before', async (world) => {
  world.configure();
  const daemon = await world.start();
  await allMeasured(world, 1);
  const limit = (most) => run('prlimit', ['--pid', String(daemon.child.pid), `--nofile=${most}:`]);
  assert.equal((await limit(3)).code, 0);
  await until('it says so', () => /error out of descriptors .*side=ours/.test(world.log()), 180);
  // some intervals long
  const count = () => world.log().split('\n').filter((line) => /state changed .*to=down|event=opened/.test(line)).length;
  const began = Date.now();
  await until('time goes by', () => Date.now() - began > 8000);
  assert.equal(count(), 0);
  assert.equal((await limit(1024)).code, 0);
  await until('it answers again', async () => (await get(`${daemon.url}/readyz`)).status === 200);
  assert.ok(await fault(world, 'descriptors'));
  await goesOn(world);
  await nobodyIsBlamed(world);
  assert.ok((await world.transactions()).some((one) => one.excluded > 0));
  assert.deepEqual(world.hook.received, []);
  await everyResultIsWritten(world);
});
