// The demo: five simulated operators, the daemon, a webhook receiver; a
// working week in fast motion with one operator breaking under load.
//
//   abs_top_builddir=DIR demo.mjs [--for 90s] [--port 8420] [--state DIR]
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';

import { newSecret, startDaemon, writeDemoConfig } from '../lib/daemon.mjs';
import { startHook } from '../lib/hook.mjs';
import { get } from '../lib/http.mjs';
import { startSim, topBuild } from '../lib/sim.mjs';

const SURGE = 'wizja'; // the operator that breaks on Wednesday morning
const QUIET_S = 8; // before the week begins and after it has ended

const sleep = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });
const say = (text) => process.stdout.write(`${text}\n`);

const USAGE = 'usage: ./autogen.sh demo [--for 90s] [--port 8420] [--state DIR]';

function usage(problem) {
  process.stderr.write(`${problem}\n${USAGE}\n`);
  process.exit(2);
}

function seconds(text) {
  const match = /^(\d+)(s|m|h)?$/.exec(text);
  if (!match) usage(`--for ${text}: a number and s, m or h, such as 90s`);
  return Number(match[1]) * { s: 1, m: 60, h: 3600 }[match[2] ?? 's'];
}

async function refusePortInUse(port) {
  const server = net.createServer();
  const problem = await new Promise((resolve) => {
    server.once('error', resolve);
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(undefined)));
  });
  if (!problem) return;
  process.stderr.write(`demo: port ${port} cannot be used (${problem.code}); another demo? Try --port ${port + 1}\n`);
  process.exit(1);
}

async function readArguments() {
  let values;
  try {
    ({ values } = parseArgs({
      options: {
        for: { type: 'string', default: '90s' },
        port: { type: 'string', default: '8420' },
        state: { type: 'string' },
        help: { type: 'boolean' },
        'check-arguments': { type: 'boolean' }, // autogen.sh, before it builds
      },
    }));
  } catch (error) {
    usage(error.message);
  }
  if (values.help) {
    say(USAGE);
    process.exit(0);
  }
  const length = seconds(values.for);
  if (length < 45) usage('--for: a week needs at least 45s');
  if (!/^\d{1,5}$/.test(values.port) || Number(values.port) > 65535 || Number(values.port) < 1) {
    usage(`--port ${values.port}: a number from 1 to 65535`);
  }
  await refusePortInUse(Number(values.port));
  if (values['check-arguments']) process.exit(0);
  return { length, port: Number(values.port), state: values.state };
}

function table(heads, rows) {
  const all = [heads, ...rows].map((row) => row.map(String));
  const widths = heads.map((_, column) => Math.max(...all.map((row) => [...row[column]].length)));
  return all.map((row) => row.map((cell, i) => cell + ' '.repeat(widths[i] - [...cell].length)).join('  ').trimEnd()).join('\n');
}

const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];
const MARKS = { up: 'o', degraded: '^', down: 'x', maintenance: 'T', unknown: '-' };

// One line: the hour of the played week, and each operator's transactions as
// the pages have them; a "?" when one of its deployments is not known.
function progress(status, week) {
  const cells = status.operators.map((operator) => {
    const marks = operator.transactions.map((one) => MARKS[one.state]).join('');
    return `${operator.name} ${marks}${operator.transactions
      .some((one) => one.state !== 'unknown' && one.deployments_unknown > 0) ? '?' : ''}`;
  });
  const hour = String(Math.floor(week.hour)).padStart(2, '0');
  return `${DAYS[week.day]} ${hour}:00   ${cells.join('   ')}`;
}

const ms = (value) => (value === null || value === undefined ? '-' : `${Math.round(value)} ms`);

// What happened since `began`: a folder may hold an earlier week, too.
async function summary(daemon, hook, began) {
  const now = Math.floor(Date.now() / 1000) + 60;
  const status = (await get(`${daemon.url}/api/v1/status`)).json();
  const incidents = (await get(`${daemon.url}/api/v1/incidents?state=all`)).json().incidents
    .filter((incident) => incident.opened >= began);
  const sum = (values) => values.reduce((a, b) => a + (b ?? 0), 0);
  const rows = [];
  for (const operator of status.operators) {
    const names = operator.deployments[0].transactions.map((transaction) => transaction.name);
    for (const name of names) {
      const query = `target=${operator.name}/_all/${name}&from=${now - 3600}&to=${now}&step=3600`;
      const series = (await get(`${daemon.url}/api/v1/series?${query}`)).json();
      const mine = incidents.filter((incident) => incident.operator === operator.name
        && (incident.transaction === name || !incident.transaction));
      const ids = mine.map((incident) => incident.number);
      const delivered = hook.received.filter((message) => !message.problem && ids.includes(message.data?.number));
      const count = (key) => sum(operator.deployments.map((deployment) => deployment.transactions
        .find((transaction) => transaction.name === name)[key]));
      const last = (column) => [...(series[column] ?? [])].reverse().find((value) => value !== null);
      rows.push([operator.name, name, count('runs'), count('ok'), count('failed'), count('excluded'), ms(last('p50_ms')), ms(last('p95_ms')), mine.length, delivered.length]);
    }
  }
  say(`\n${table(['operator', 'transaction', 'runs', 'ok', 'failed', 'not counted', 'p50', 'p95', 'incidents', 'deliveries'], rows)}`);
  say('not counted: not tried because the login had failed, or disturbed by our own lateness (two cores play everything here)');
  return incidents;
}

function rrdFiles(dir) {
  return fs.readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.rrd'));
}

async function play({ daemon, sim, length, stopped }) {
  const end = Date.now() + length * 1000;
  let line = '';
  while (Date.now() < end && !stopped() && daemon.code === undefined) {
    const status = (await get(`${daemon.url}/api/v1/status`)).json();
    const { week } = await sim.state();
    const next = week ? progress(status, week) : '';
    if (next && next !== line) say(next);
    line = next;
    await sleep(Math.min(1500, Math.max(0, end - Date.now())));
  }
}

async function main() {
  const { length, port, state: wanted } = await readArguments();
  const began = Date.now() / 1000;
  const state = wanted ? path.resolve(wanted) : fs.mkdtempSync(path.join(os.tmpdir(), 'dyzurny-demo-'));
  fs.mkdirSync(state, { recursive: true });
  const binary = path.join(topBuild, 'daemon/dyzurny');
  const ends = [];
  let interrupted = false;
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => { interrupted = true; });

  let failed = 0;
  try {
    const sim = await startSim({ dir: state, log: path.join(state, 'simulators.log'), args: ['--week', String(length - 2 * QUIET_S), '--surge', SURGE] });
    ends.push(() => sim.stop());
    const secret = newSecret();
    const hook = await startHook({
      certs: state,
      secret,
      onMessage: ({ type, data, problem }) => say(problem
        ? `webhook refused: ${problem}`
        : `webhook ${type}, signature verified: ${data.summary?.en ?? data.rule}`),
    });
    ends.push(() => hook.stop());
    const config = writeDemoConfig({ state, port, hookPort: hook.port, secret, simPorts: sim.ports, every: '3s' });
    const daemon = await startDaemon({ binary, config, log: path.join(state, 'dyzurny.log') });
    ends.push(async () => {
      const code = await daemon.stop();
      if (code !== 0) {
        failed = 1;
        say(`the daemon ended with ${code}; its log is ${daemon.log}`);
      }
    });
    say(`dashboard: ${daemon.url}/`);
    say(`configuration: ${config}`);
    say(`simulators' control: http://127.0.0.1:${sim.control}`);
    say(`A working week in ${length - 2 * QUIET_S} s. Marks are login, grades, message: o up, ^ degraded, x down, - no data; ? no data of some deployments.\n`);
    await play({ daemon, sim, length, stopped: () => interrupted });
    if (interrupted) say('stopped before the week was over');
    const incidents = await summary(daemon, hook, began);
    const files = rrdFiles(path.join(state, 'state/rrd'));
    say(`\n${files.length} RRD files below ${path.join(state, 'state/rrd')}`);
    for (const incident of incidents) {
      say(`incident ${incident.number}: ${incident.summary?.en ?? incident.rule}, ${incident.resolved ? 'resolved' : 'still open'}`);
    }
  } catch (error) {
    failed = 1;
    say(`demo: ${error.message}`);
  } finally {
    for (const end of ends.reverse()) await end();
  }
  process.exit(failed);
}

await main();
