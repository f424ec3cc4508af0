// Configuration: what is wrong is said, and a reload loses nothing.
import assert from 'node:assert/strict';
import fs from 'node:fs';

import { dyzurny, scenario, until } from '../lib/world.mjs';

scenario('check prints the budget and the disk plan', async (world) => {
  const { code, out, err } = await dyzurny('check', '-c', world.configure());
  assert.equal(code, 0, err);
  assert.match(out, /librus +1 +[\d.]+ +2000/);
  assert.match(out, /24 targets/);
  const rows = [...out.matchAll(/^(\w+) +(\d+) +(\d+) +(\d+) +(\d+)$/gm)].map((row) => row.slice(2).map(Number));
  const all = rows.pop();
  for (const column of [0, 2, 3]) assert.equal(rows.reduce((sum, row) => sum + row[column], 0), all[column], out);
  for (const [targets, one, whole, sum] of rows) assert.equal(targets * one + whole, sum, out);
  assert.match(out, /GB are free on that disk/);
  assert.doesNotMatch(out, /warning/);
});

scenario('check warns of a plan that is larger than the disk', async (world) => {
  const config = world.configure({
    change: (text) => text.replace(/keep = "1h"/, 'keep = "3650d"'),
  });
  const { code, out, err } = await dyzurny('check', '-c', config);
  assert.equal(code, 0, err);
  assert.match(out, /^warning: the plan needs [\d.]+ GB more than are free on the disk of /m);
});

scenario('check reports every problem with file, line and key, and the nearest name', async (world) => {
  const config = world.configure({
    change: (text) => text.replace('per_minute = 2000', 'per_minut = 2000').replace('below = "80%"', 'below = "180%"')
      .replace('symbol = "lublin"; ', ''),
  });
  const lines = fs.readFileSync(config, 'utf8').split('\n');
  const line = (text) => lines.findIndex((one) => one.includes(text)) + 1;
  const { code, err } = await dyzurny('check', '-c', config);
  assert.equal(code, 1);
  const problem = (text) => err.split('\n').find((one) => one.includes(text)) ?? '';
  assert.ok(problem('per_minut').startsWith(`${config}:${line('per_minut =')}: `), err);
  assert.match(err, /per_minute/);
  assert.ok(problem('below').startsWith(`${config}:${line('180%')}: `), err);
  assert.match(err, /symbol/);
});

scenario('an account that others can read is refused', async (world) => {
  const config = world.configure();
  fs.chmodSync(`${world.dir}/accounts/librus-a`, 0o644);
  const { code, err } = await dyzurny('check', '-c', config);
  assert.equal(code, 1);
  assert.match(err, /accounts\/librus-a/);
});

scenario('SIGHUP takes a good file, refuses a bad one, and keeps history and state', async (world) => {
  const config = world.configure();
  const daemon = await world.start();
  const find = async (target) => (await world.transactions()).find((one) => one.target === target);
  await until('wizja is measured', async () => (await find('wizja/sp1/login'))?.ok >= 3, 180);
  const good = fs.readFileSync(config, 'utf8');

  fs.writeFileSync(config, good.replace('parallel = 4', 'parallel = -4'));
  daemon.child.kill('SIGHUP');
  await until('the refusal is said', () => /reload refused/.test(world.log()));
  assert.match(world.log(), /dyzurny\.cfg:\d+: [^ ]*parallel/);
  assert.equal((await world.transactions()).length, 24, 'the old configuration goes on');

  const before = await find('wizja/sp1/login');
  const without = good.replace(/\{ name = "lo2";[\s\S]*?"wizja-lo2-b"; \}/, '').replace(/("wizja-sp1-b"; \}),/, '$1');
  assert.notEqual(without, good);
  fs.writeFileSync(config, without);
  daemon.child.kill('SIGHUP');
  await until('lo2 is gone', async () => (await world.transactions()).length === 21);
  const after = await find('wizja/sp1/login');
  assert.equal(after.state, 'up');
  assert.ok(after.ok >= before.ok, 'its counts went on');
  assert.equal(after.since, before.since, 'its state is the same stretch of time');

  fs.writeFileSync(config, good);
  daemon.child.kill('SIGHUP');
  await until('lo2 is back and measured', async () => (await find('wizja/lo2/login'))?.state === 'up', 180);
});

scenario('a CA bundle that cannot be read is a problem of the configuration', async (world) => {
  const config = world.configure();
  const line = fs.readFileSync(config, 'utf8').split('\n').findIndex((one) => one.startsWith('ca_file')) + 1;
  const daemon = await world.start();
  const bundle = `${world.dir}/ca.pem`;
  const good = fs.readFileSync(bundle, 'utf8');
  fs.writeFileSync(bundle, good.slice(0, 300));
  const { code, err } = await dyzurny('check', '-c', config);
  assert.equal(code, 1);
  assert.ok(err.startsWith(`${config}:${line}: ca_file: `), err);
  assert.match(err, /subscribers\[0\]\.ca_file: .*CA certificates/);
  daemon.child.kill('SIGHUP');
  await until('the refusal is said', () => /reload refused/.test(world.log()));
  assert.match(world.log(), /ca_file: .*no bundle of CA certificates/);
  await until('the old bundle goes on', async () => (await world.transactions()).some((one) => one.ok >= 2), 180);
  fs.writeFileSync(bundle, good);
}, { timeout: 120000 });

scenario('a reload applies the log level and says what needs a restart', async (world) => {
  const config = world.configure();
  const daemon = await world.start();
  const before = fs.readFileSync(config, 'utf8');
  const after = before.replace('web = {', 'log_level = "error";\nweb = { event_streams = 7; language = "en";')
    .replace(/step = "1m"/, 'step = "2m"')
    .replace(/\{ name = "lo2";[\s\S]*?"wizja-lo2-b"; \}/, '').replace(/("wizja-sp1-b"; \}),/, '$1');
  fs.writeFileSync(config, after);
  daemon.child.kill('SIGHUP');
  await until('it is applied', async () => (await world.transactions()).length === 21);
  const said = [...world.log().matchAll(/needs a restart key=(\S+)/g)].map(([, key]) => key);
  assert.deepEqual(said, ['store.plan', 'web.event_streams', 'web.language']);
  assert.doesNotMatch(world.log(), / reloaded/, 'the log is quieter from then on');
});
