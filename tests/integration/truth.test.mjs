// What is measured is the operator's and nobody else's: neither a neighbour's
// name server nor our own absence gets into it.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';

import { srcdir } from '../lib/daemon.mjs';
import { startNames, startRegister } from '../lib/register.mjs';
import { makeCa } from '../lib/sim.mjs';
import { get, run, scenario, until } from '../lib/world.mjs';

const PROFILE = `hosts = ( "\${host}" ); vars = ( "host", "port" );
transactions = ( { name = "login"; timeout = "20s"; steps = (
  { name = "page"; get = "https://\${host}:\${port}/"; expect = ( "status 200" ); } ); } );
`;

// operators: { name: [hosts] }, every: of all of them.
function writeConfig(dir, { operators, port, every, names }) {
  fs.mkdirSync(path.join(dir, 'accounts'), { recursive: true });
  fs.writeFileSync(path.join(dir, 'accounts/ala'), 'user = ala\npassword = tajne\n', { mode: 0o600 });
  fs.writeFileSync(path.join(dir, 'page.cfg'), PROFILE);
  const deployments = (hosts) => hosts.map((host, i) => `{ name = "d${i}"; sender = "ala";
    vars = { host = "${host}"; port = "${port}"; }; }`).join(',\n');
  const list = Object.entries(operators).map(([name, hosts]) => `{ name = "${name}"; profile = "page.cfg";
    every = "${every}"; budget = { per_minute = 1000; parallel = 20; };
    deployments = ( ${deployments(hosts)} ); }`);
  const file = path.join(dir, 'dyzurny.cfg');
  fs.writeFileSync(file, `vantage = "test"; contact = "test"; simulated = true;
name_servers = ( "${names.address}" ); ca_file = "ca.pem";
store = { dir = "state"; runs_kept = 1000; plan = ( { step = "interval"; keep = "1h"; }, { step = "1m"; keep = "1d"; } ); };
web = { listen = "127.0.0.1"; port = 0; dashboards = "${path.join(srcdir, 'dashboards')}"; };
operators = ( ${list.join(',\n')} );
`);
  return file;
}

const hosts = (word, n) => Array.from({ length: n }, (_, i) => `${word}${i}.helion.example`);

async function runsOf(url, target) {
  const { runs } = (await get(`${url}/api/v1/runs?target=${target}&limit=500`)).json();
  return runs;
}

async function counter(url, name) {
  const { text } = await get(`${url}/metrics`);
  return Number(new RegExp(`^${name}\\{[^}]*\\} (\\d+)$`, 'm').exec(text)[1]);
}

scenario('a name server that is silent for one operator delays its runs only', async (world) => {
  await makeCa(world.dir);
  const names = await startNames((name) => name.startsWith('silent'));
  const register = await startRegister({ certs: world.dir, answer: (response) => response.end('<p>dobrze</p>') });
  world.t.after(() => Promise.all([names.stop(), register.stop()]));
  world.config = writeConfig(world.dir, {
    operators: { a: hosts('silent', 8), b: hosts('quick', 8) }, port: register.port, every: '1s', names,
  });
  const { url } = await world.start();
  // on a busy machine some are tainted, which is no verdict
  const failed = await until('each deployment of a has waited in vain', async () => {
    const runs = (await runsOf(url, 'a')).filter((one) => one.reason !== 'tainted');
    return new Set(runs.map((one) => one.deployment ?? one.target)).size === 8 && runs;
  }, 180);
  for (const one of failed) {
    assert.deepEqual([one.ok, one.reason, one.side], [false, 'dns_timeout', 'network'], JSON.stringify(one));
    // five seconds for a name, of the twenty that a transaction has
    assert.ok(one.latency_ms >= 5000 && one.latency_ms < 20000, JSON.stringify(one));
  }
  const well = await runsOf(url, 'b');
  // They went on meanwhile, again and again: none has waited as long as those.
  assert.ok(well.length >= 8 * 3, `${well.length} runs`);
  for (const one of well) {
    assert.ok(['ok', 'tainted'].includes(one.reason), JSON.stringify(one));
    assert.ok(one.latency_ms < 5000, JSON.stringify(one));
  }
  assert.equal(await counter(url, 'dyzurny_runs_skipped_total'), 0, 'no interval of anybody was lost');
}, { sim: false });

// Stops a process, which is then away, as in a stall; what has come meanwhile
// is found late. Until the signal has reached each of its threads, they run.
function halt(child) {
  const tasks = `/proc/${child.pid}/task`;
  const stands = (task) => / T /.test(fs.readFileSync(`${tasks}/${task}/stat`, 'utf8'));
  child.kill('SIGSTOP');
  return until('every thread stands', () => fs.readdirSync(tasks).every(stands));
}

scenario('a run in which we were away is tainted and in no figure', async (world) => {
  await makeCa(world.dir);
  const names = await startNames(() => false);
  let away = true;
  let daemon;
  const register = await startRegister({
    certs: world.dir,
    answer: (response) => {
      if (!away) {
        response.end('<p>dobrze</p>');
        return;
      }
      halt(daemon.child).then(() => response.end('<p>dobrze</p>',
        () => setTimeout(() => daemon.child.kill('SIGCONT'), 300)));
    },
  });
  world.t.after(() => Promise.all([names.stop(), register.stop()]));
  world.config = writeConfig(world.dir, {
    operators: { a: hosts('quick', 1) }, port: register.port, every: '2s', names,
  });
  const starting = Math.floor(Date.now() / 1000);
  daemon = await world.start();
  const { url } = daemon;
  const one = async () => (await world.transactions())[0];
  const taintedRuns = () => counter(url, 'dyzurny_runs_tainted_total');
  await until('it was away in three runs', async () => (await taintedRuns()) >= 3, 180);
  const runs = await runsOf(url, 'a/d0');
  for (const run of runs) {
    assert.deepEqual([run.ok, run.reason, run.side, run.tainted], [null, 'tainted', 'ours', true], JSON.stringify(run));
  }
  // neither up nor down, no latency, no availability
  const unknown = await one();
  assert.deepEqual([unknown.state, unknown.reason, unknown.samples, unknown.p50_ms, unknown.availability_24h],
    ['unknown', 'tainted', 0, null, null]);
  away = false;
  await until('it is measured', async () => (await one()).state === 'up', 180);
  const good = (await one()).ok;
  assert.ok(good >= 1);

  // exact counts: as excluded, and nowhere else
  await until('the ledger has both', async () => {
    const { out } = await run('sqlite3', [path.join(world.dir, 'state/ledger.db'),
      'SELECT sum(ok), sum(failed), sum(excluded) FROM tally']);
    const [ok, bad, excluded] = out.trim().split('|').map(Number);
    const tainted = await taintedRuns();
    assert.equal(bad, 0);
    // a busy machine may have added one since; then the ledger has it soon
    if (excluded !== tainted) throw new Error(`${excluded} excluded of ${tainted}`);
    return ok >= good && excluded >= 3;
  }, 180);
  const series = await until('the series has both', async () => {
    const got = (await get(`${url}/api/v1/series?target=a/d0/login&from=${starting - 2}&to=${Math.floor(Date.now() / 1000)}&step=2`)).json();
    return got.ok.some((value) => value > 0) && got;
  }, 180);
  assert.ok(series.failed.every((value) => !(value > 0)), JSON.stringify(series.failed));
  // where nothing but tainted runs were, there is no latency
  series.mean_ms.forEach((value, i) => assert.equal(value !== null, series.ok[i] > 0, `${i}: ${JSON.stringify(series)}`));
}, { sim: false });
