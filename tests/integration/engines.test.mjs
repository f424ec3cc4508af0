// Several engines share the deployments: what they measure is told as by one,
// and a configuration is taken over while their journeys go on.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import https from 'node:https';
import path from 'node:path';

import { srcdir } from '../lib/daemon.mjs';
import { makeCa } from '../lib/sim.mjs';
import { allMeasured, get, scenario, until } from '../lib/world.mjs';

// The names of a process's threads.
const threads = (pid) => fs.readdirSync(`/proc/${pid}/task`)
  .map((id) => fs.readFileSync(`/proc/${pid}/task/${id}/comm`, 'utf8').trim());
const probers = (daemon) => threads(daemon.child.pid).filter((name) => name === 'prober').length;

scenario('three engines measure as one does, reload and stop cleanly', async (world) => {
  const config = world.configure({ change: (text) => `engines = 3;\n${text}` });
  const daemon = await world.start();
  await allMeasured(world, 2);
  assert.equal(probers(daemon), 3);
  const { text } = await get(`${daemon.url}/metrics/daemon`);
  assert.match(text, /dyzurny_run_start_lateness_seconds_count\{[^}]*\} [1-9]/);

  fs.writeFileSync(config, fs.readFileSync(config, 'utf8').replace('engines = 3', 'engines = 2'));
  daemon.child.kill('SIGHUP');
  await until('the reload', () => / reloaded/.test(world.log()));
  assert.match(world.log(), /needs a restart key=engines/);
  const before = (await world.transactions()).map((one) => one.ok);
  await until('all go on', async () => (await world.transactions())
    .every((one, i) => one.ok >= before[i] + 2), 180);
  assert.equal(probers(daemon), 3);
});

// ---- a reload of many ----

const SCHOOLS = 60;
const EVERY_S = 8;

function writeMany(dir, port, schools) {
  const deployments = schools.map((i) => `{ name = "s${i}"; vars = { host = "s${i}.eszkola24.example"; }; }`);
  fs.mkdirSync(path.join(dir, 'accounts'), { recursive: true });
  fs.writeFileSync(path.join(dir, 'accounts/a'), 'user = a\npassword = b\n', { mode: 0o600 });
  fs.writeFileSync(path.join(dir, 'page.cfg'), `hosts = ( "\${host}" ); vars = ( "host" );
transactions = ( { name = "login"; timeout = "20s"; steps = ( { name = "page"; get = "https://\${host}/"; } ); } );\n`);
  fs.writeFileSync(path.join(dir, 'dyzurny.cfg'), `vantage = "test"; simulated = true; engines = 2;
accounts_dir = "accounts"; ca_file = "ca.pem";
store = { dir = "state"; plan = ( { step = "interval"; keep = "1h"; } ); runs_kept = 1; };
web = { listen = "127.0.0.1"; port = 0; dashboards = "${srcdir}/dashboards"; };
operators = ( { name = "many"; title = "Many"; profile = "page.cfg";
  budget = { per_minute = 100000; parallel = 200; }; every = "${EVERY_S}s"; connect_to = "127.0.0.1:${port}";
  deployments = ( ${deployments.map((one) => one.replace(/ \}$/, ' sender = "a"; }')).join(',\n')} ); } );\n`);
  return path.join(dir, 'dyzurny.cfg');
}

scenario('a reload of sixty deployments misses no run', async (world) => {
  await makeCa(world.dir);
  const asked = new Map();
  const server = https.createServer({
    key: fs.readFileSync(path.join(world.dir, 'server.key')),
    cert: fs.readFileSync(path.join(world.dir, 'server.pem')),
  }, (request, response) => {
    const host = request.headers.host.split('.')[0];
    asked.set(host, [...(asked.get(host) ?? []), Date.now()]);
    response.end('<p>dziennik</p>');
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  try {
    const all = [...Array(SCHOOLS).keys()];
    const { port } = server.address();
    const often = (schools, n) => until(`each was asked ${n} times`, () => schools
      .every((i) => (asked.get(`s${i}`) ?? []).length >= n), 180);
    world.config = writeMany(world.dir, port, all);
    const daemon = await world.start();
    await often(all, 1);

    // the last ten go, ten others come; and once more, before that is done
    const stay = all.slice(0, -10);
    writeMany(world.dir, port, [...stay, ...all.slice(-10).map((i) => i + 10)]);
    daemon.child.kill('SIGHUP');
    daemon.child.kill('SIGHUP');
    await until('the reload', () => / reloaded/.test(world.log()));
    const seen = Math.max(...stay.map((i) => asked.get(`s${i}`).length));
    await often(stay, seen + 2);
    await often(all.slice(-10).map((i) => i + 10), 1);

    // between two runs of a deployment lies one interval, not two, not none
    for (const i of stay) {
      const times = asked.get(`s${i}`);
      const gaps = times.slice(1).map((at, k) => Math.round((at - times[k]) / 1000 / EVERY_S));
      assert.ok(gaps.every((gap) => gap === 1), `s${i}: ${times.join(' ')}`);
    }
    const { text } = await get(`${daemon.url}/metrics/daemon`);
    assert.match(text, /dyzurny_runs_skipped_total\{[^}]*\} 0\n/);
    const names = (await world.status()).operators[0].deployments.map((one) => one.name);
    assert.equal(names.length, SCHOOLS);
    assert.ok(names.includes(`s${SCHOOLS + 9}`) && !names.includes(`s${SCHOOLS - 10}0`));
  } finally {
    server.closeAllConnections();
    server.close();
  }
}, { sim: false });
