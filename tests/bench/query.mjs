// How long the API takes to answer for a range of the series, from the request
// to the last byte of JSON, on one kept-alive connection, while the daemon
// measures and writes. The floor is /healthz in the same run.
//
//     node tests/bench/query.mjs [--requests 300] [--deployments 400]
//         [--seconds 70]
//
// First with the plan "lean" and one operator of so many deployments, a journey
// a minute each, which all fail at once since nothing listens there: three
// results each go to the store, and nothing else is worth mentioning. Then with
// "full" and one deployment. The history is made by query_fill.c.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { startDaemon } from '../lib/daemon.mjs';
import { get, until } from '../lib/http.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const source = process.env.abs_top_srcdir ?? path.resolve(here, '../..');
const build = process.env.abs_top_builddir ?? process.cwd();
const { values: options } = parseArgs({
  options: {
    requests: { type: 'string', default: '300' },
    deployments: { type: 'string', default: '400' },
    seconds: { type: 'string', default: '70' },
  },
});
const requests = Number(options.requests);
const seconds = Number(options.seconds);

const sleep = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

function writeConfig(dir, plan, deployments) {
  fs.mkdirSync(path.join(dir, 'accounts'));
  fs.writeFileSync(path.join(dir, 'accounts/a'), 'user = a\npassword = b\nid = 2_41\n', { mode: 0o600 });
  const list = Array.from({ length: deployments }, (_, i) => `    { name = "sp${i + 1}"; vars = { host = "sp${i + 1}.mobidziennik.pl"; }; sender = "a"; recipient = "a"; }`);
  const file = path.join(dir, 'dyzurny.cfg');
  fs.writeFileSync(file, `vantage = "bench"; contact = "admin@example.pl"; simulated = true;
accounts_dir = "accounts";
store = { dir = "state"; plan = "${plan}"; };
web = { port = 0; dashboards = "${source}/dashboards"; };
operators = ( {
  name = "wizja"; title = "Wizja"; profile = "${source}/conf/profiles/wizja.cfg"; every = "60s";
  connect_to = "127.0.0.1:1"; budget = { per_minute = ${60 * deployments}; parallel = ${deployments}; };
  deployments = (
${list.join(',\n')}
  );
} );
`);
  return file;
}

const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

// Milliseconds until the last byte, and how many there were.
function timed(url) {
  return new Promise((resolve, reject) => {
    const begin = process.hrtime.bigint();
    const request = http.get(url, { agent }, (response) => {
      let bytes = 0;
      response.on('data', (part) => { bytes += part.length; });
      response.on('end', () => {
        const ms = Number(process.hrtime.bigint() - begin) / 1e6;
        if (response.statusCode === 200) resolve({ ms, bytes });
        else reject(new Error(`${url}: ${response.statusCode}`));
      });
    });
    request.on('error', reject);
  });
}

const quantile = (sorted, q) => sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)];

const tick = 1000 / Number(execFileSync('getconf', ['CLK_TCK']));

// Milliseconds of CPU that a process has taken (proc(5), behind the name).
function cpu(pid) {
  const fields = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' ');
  return (Number(fields[11]) + Number(fields[12])) * tick;
}

// What one answer takes of the daemon's CPU, whoever else is busy.
async function cost(daemon, kind) {
  const before = cpu(daemon.child.pid);
  for (let i = 0; i < requests; i++) await timed(daemon.url + kind.path);
  return (cpu(daemon.child.pid) - before) / requests;
}

async function measure(daemon, kinds) {
  const { url } = daemon;
  const pause = 1000 * seconds / (requests * kinds.length);
  const samples = kinds.map(() => []);
  const bytes = [];
  for (let i = 0; i < requests; i++) {
    for (const [k, kind] of kinds.entries()) {
      const answer = await timed(url + kind.path);
      samples[k].push(answer.ms);
      bytes[k] = answer.bytes;
      await sleep(pause * (0.5 + Math.random()));
    }
  }
  for (const [k, kind] of kinds.entries()) {
    const sorted = samples[k].sort((a, b) => a - b);
    const p99 = quantile(sorted, 0.99);
    const own = await cost(daemon, kind);
    const figure = (value) => value.toFixed(2).padStart(8);
    console.log(`${kind.name.padEnd(44)}${figure(sorted[0])}${figure(quantile(sorted, 0.5))}${figure(p99)}${figure(sorted.at(-1))}${figure(own)} ms`
      + `${String(bytes[k]).padStart(9)} bytes${kind.most ? `  goal: p99 at most ${kind.most} ms  ${p99 <= kind.most ? 'met' : 'missed'}` : ''}`);
  }
}

const countFiles = (dir) => fs.readdirSync(dir, { recursive: true }).filter((name) => name.endsWith('.rrd')).length;

async function run(plan, deployments, kinds) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'dyzurny-query-'));
  const state = path.join(dir, 'state');
  let daemon;
  try {
    fs.mkdirSync(state, { mode: 0o700 });
    execFileSync(path.join(build, 'tests/bench/query_fill'), [state, plan, String(Math.floor(Date.now() / 1000))], { stdio: 'inherit' });
    fs.rmSync(path.join(state, 'rrd/wizja/_all'), { recursive: true });
    fs.renameSync(path.join(state, 'all/wizja/_all'), path.join(state, 'rrd/wizja/_all'));
    fs.rmSync(path.join(state, 'all'), { recursive: true });
    daemon = await startDaemon({
      binary: path.join(build, 'daemon/dyzurny'), config: writeConfig(dir, plan, deployments), log: path.join(dir, 'log'),
    });
    // what is asked for is written first, if it was measured already
    await until('every file is made', async () => {
      for (let i = 1; i <= deployments; i++) await get(`${daemon.url}/api/v1/series?target=wizja/sp${i}`);
      return countFiles(path.join(state, 'rrd')) >= 6 * deployments + 6;
    }, 300);
    console.log(`plan ${plan}, ${deployments} deployments, ${requests} requests of each kind in ${seconds} s`);
    console.log(`${''.padEnd(44)}     min  median     p99     max     CPU`);
    await measure(daemon, kinds);
    const metrics = await (await get(`${daemon.url}/metrics`)).text;
    for (const line of metrics.split('\n')) if (/^dyzurny_\w*(series_updates|series_errors|store_dropped)\w*[ {]/.test(line)) console.log(line);
  } finally {
    await daemon?.stop();
    fs.rmSync(dir, { recursive: true, force: true });
  }
}

const ask = (target, from, more = '') => `/api/v1/series?target=${target}&from=${from}${more}`;
const floor = { name: 'floor: /healthz', path: '/healthz' };
await run('lean', Number(options.deployments), [
  floor,
  { name: 'a day of one target', path: ask('wizja/sp1/login', '-24h'), most: 10 },
  { name: 'a day of one target by the minute', path: ask('wizja/sp1/login', '-24h', '&step=60') },
  { name: 'a year of one target', path: ask('wizja/sp1/login', '-365d'), most: 50 },
  { name: 'a month of a deployment, 3 transactions', path: ask('wizja/sp1', '-30d') },
  { name: 'a month of the operator, one transaction', path: ask('wizja/_all/login', '-30d'), most: 200 },
  { name: 'a month of the operator, all transactions', path: ask('wizja', '-30d'), most: 200 },
]);
await run('full', 1, [
  floor,
  { name: 'a day of one target', path: ask('wizja/sp1/login', '-24h'), most: 10 },
  { name: 'a day of one target by the minute', path: ask('wizja/sp1/login', '-24h', '&step=60') },
  { name: 'a year of one target', path: ask('wizja/sp1/login', '-365d'), most: 50 },
  { name: 'a year of one target by the hour', path: ask('wizja/sp1/login', '-365d', '&step=3600') },
]);
