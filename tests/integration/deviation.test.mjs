// A daemon that finds weeks of history tells what is slower than usual, and
// that it is over; the same rule without history says nothing.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

import { allMeasured, get, scenario, until } from '../lib/world.mjs';

const weeks = path.join(process.env.abs_top_builddir ?? process.cwd(), 'tests/lib/weeks');

// About a second, as a histogram knows it, is usual for a login at Wizja, of Librus nothing is known; both
// become three seconds slower.
const rule = `{ name = "unusual"; kind = "deviation"; transaction = "login"; band = "1s"; window = "30s";
  min_samples = 2; resolve_after = "4s"; severity = 1; }`;
const change = (text) => text.replace(/alerts = \([\s\S]*?\n\);/, `alerts = ( ${rule} );`);

scenario('what is slower than in the weeks before is told, and its end', async (world) => {
  world.configure({ change });
  fs.mkdirSync(path.join(world.dir, 'state'), { recursive: true });
  execFileSync(weeks, [path.join(world.dir, 'state/rrd'), 'wizja', 'sp1', 'login', '2', '1000']);
  const daemon = await world.start();
  await allMeasured(world, 3);
  const incidents = async () => (await get(`${daemon.url}/api/v1/incidents?state=all`)).json().incidents;
  assert.deepEqual(await incidents(), []);

  for (const operator of ['wizja', 'librus']) await world.sim.fault(operator, 'slow', { transaction: 'login', delay_ms: 3000 });
  const open = await until('it is told', async () => (await incidents())[0], 180);
  assert.equal(open.rule, 'unusual');
  assert.equal(open.scope, 'wizja/_all/login');
  assert.equal(open.severity, 1);
  assert.equal(open.unit, 'ms');
  assert.ok(open.threshold > 1800 && open.threshold < 2200, JSON.stringify(open));
  assert.ok(open.value > 2000, JSON.stringify(open));
  assert.match(open.summary.pl, /wolniej niż zwykle, p50 do .*, zwykle o tej porze (\d{3} ms|1,\d s) \(próg /);
  assert.match(open.summary.en, /slower than usual, p50 up to .*, usual at this hour is (\d{3} ms|1\.\d s) \(limit /);

  await world.sim.clear();
  await until('it is over', async () => (await incidents())[0].state === 'resolved', 180);
  assert.equal((await incidents()).length, 1, 'nothing is said of what has no history');
});
