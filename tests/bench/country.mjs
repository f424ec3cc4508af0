// The whole country in one configuration: so many deployments of five
// operators, each with accounts of its own, one journey an interval, against a
// light target on the other processor (country_target.c says what it leaves
// out). Prints what it takes and how late it was, against the goals.
//
//     node tests/bench/country.mjs [--deployments 24000] [--every 60]
//         [--seconds 60] [--engines 1] [--one-account] [--no-reload]
//         [--free] [--parallel 400] [--settle 62] [--plain-alerts] [--plan lean] [--dir DIR]
//
// Unless a plan is named, files of an hour are kept: what the real ones take
// is for the benchmark of the series to say.
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { get, until } from '../lib/http.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const source = process.env.abs_top_srcdir ?? path.resolve(here, '../..');
const build = process.env.abs_top_builddir ?? process.cwd();
const { values: options } = parseArgs({
  options: {
    deployments: { type: 'string', default: process.env.COUNTRY ?? '24000' },
    every: { type: 'string', default: '60' },
    seconds: { type: 'string', default: '60' },
    engines: { type: 'string', default: '1' },
    'one-account': { type: 'boolean', default: false },
    'no-reload': { type: 'boolean', default: false },
    'plain-alerts': { type: 'boolean', default: false },
    settle: { type: 'string' },
    parallel: { type: 'string', default: '400' }, // journeys of an operator at once
    plan: { type: 'string' },
    free: { type: 'boolean', default: false }, // on any processor
    dir: { type: 'string' },
  },
});
const n = Number(options.deployments);
const every = Number(options.every);
const seconds = Number(options.seconds);
const operators = ['librus', 'vulcan', 'wizja', 'helion', 'eszkola24'];
const processors = os.cpus().length;
const tick = 1000 / Number(execFileSync('getconf', ['CLK_TCK']));

const say = (name, value, goal = '') => console.log(`${name.padEnd(44)} ${String(value).padStart(12)}  ${goal}`);
const judge = (name, value, most, unit, digits = 1) => say(name, value.toFixed(digits),
  `${unit}, goal: at most ${most}  ${value <= most ? 'met' : 'missed'}`);
const sleep = (s) => new Promise((resolve) => { setTimeout(resolve, s * 1000); });

// ---- the configuration ----

const recipient = options['one-account'] ? '' : '{ name = "recipient"; use = "login"; as = "recipient"; },';
const reader = options['one-account'] ? 'sender' : 'recipient';
const logout = options['one-account'] ? '' : '{ name = "logout-recipient"; as = "recipient"; get = "https://${host}/logout"; },';

const profile = `
hosts = ( "\${host}" );
vars = ( "host" );
transactions = (
  { name = "login"; title = "Logowanie"; timeout = "20s"; steps = (
    { name = "form"; get = "https://\${host}/login"; extract = ( "page = form password" ); },
    { name = "submit"; post = "\${page.action}";
      form = ( "*page", "user=\${account.user}", "password=\${account.password}" );
      expect = ( "status 200", "xpath //*[@id = 'wyloguj']" ); } ); },
  { name = "grades"; title = "Oceny"; timeout = "20s"; steps = (
    { name = "page"; get = "https://\${host}/grades";
      expect = ( "xpath //td[@class = 'ocena']" ); } ); },
  { name = "message"; title = "Wiadomość"; timeout = "60s"; from = "send"; to = "arrive"; steps = (
    ${recipient}
    { name = "send"; post = "https://\${host}/send"; idempotent = false;
      form = ( "subject=\${run.mark}", "to=\${recipient.id}" );
      expect = ( "body contains 'Wysłano'" ); },
    { name = "arrive"; as = "${reader}"; get = "https://\${host}/inbox";
      poll = { until = "xpath //tr[contains(., $run.mark)]"; every = "2s"; at_most = "30s"; }; } ); },
  { name = "cleanup"; always = true; timeout = "10s"; steps = (
    ${logout}
    { name = "logout"; get = "https://\${host}/logout"; } ); }
);
markers = (
  { body = "Problemy z wydajnością"; reason = "overload_page"; },
  { xpath = "//*[@class = 'blad'][contains(., 'Nieprawidłowe hasło')]"; reason = "bad_credentials"; },
  { xpath = "//*[@class = 'blad'][contains(., 'zablokowane')]"; reason = "account_locked"; },
  { url = "/przerwa"; reason = "maintenance_page"; }
);
`;

const school = options['plain-alerts'] ? '' : `,
  { name = "school-down"; kind = "availability"; transaction = "login"; scope = "deployment"; below = "50%"; window = "20m"; severity = 1; }`;

function configuration(dir, port) {
  const list = (op, k) => {
    const deployments = [];
    for (let i = k; i < n; i += operators.length) {
      const name = `szkola-${String(i).padStart(5, '0')}`;
      deployments.push(`      { name = "${name}"; vars = { host = "${name}.${op}.example"; }; sender = "${name}-a"; recipient = "${name}-b"; }`);
    }
    return deployments.join(',\n');
  };
  return `vantage = "bench";
contact = "https://example.org/dyzurny";
simulated = true;
accounts_dir = "accounts";
ca_file = "ca.pem";
${Number(options.engines) > 1 ? `engines = ${options.engines};\n` : ''}store = { dir = "state"; plan = ${options.plan ? `"${options.plan}"` : '( { step = "interval"; keep = "1h"; } )'}; runs_kept = 5; };
web = { listen = "127.0.0.1"; port = 0; dashboards = "${source}/dashboards"; };
health = { fail = "3 of 5"; recover = 2; slow = "2s"; window = "10m"; };
operators = (
${operators.map((op, k) => `  { name = "${op}"; title = "${op}"; profile = "profile.cfg";
    budget = { per_minute = 1000000; parallel = ${options.parallel}; };
    every = "${every}s"; connect_to = "127.0.0.1:${port}";
    deployments = (
${list(op, k)}
    ); }`).join(',\n')}
);
alerts = (
  { name = "down"; kind = "availability"; below = "80%"; window = "10m"; for = "2m"; min_samples = 5; scope = "operator"; severity = 3; },
  { name = "slow"; kind = "latency"; above = "5s"; window = "15m"; for = "5m"; severity = 2; }${school}
);
`;
}

function prepare(dir) {
  const cnf = path.join(dir, 'openssl.cnf');
  const names = operators.map((op) => `DNS:*.${op}.example`).join(',');
  fs.mkdirSync(path.join(dir, 'accounts'), { recursive: true });
  for (let i = 0; i < n; i += 1) {
    for (const side of ['a', 'b']) {
      const name = `szkola-${String(i).padStart(5, '0')}-${side}`;
      fs.writeFileSync(path.join(dir, 'accounts', name), `user = ${i}${side}\npassword = haslo-${i}-${side}\nid = 2_${i}\n`, { mode: 0o600 });
    }
  }
  fs.writeFileSync(path.join(dir, 'profile.cfg'), profile);
  fs.writeFileSync(cnf, `[leaf]\nsubjectAltName=${names}\n`);
  const openssl = (...args) => execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' });
  const curve = ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  openssl('req', '-x509', '-newkey', ...curve, '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=bench', '-days', '9');
  openssl('req', '-newkey', ...curve, '-keyout', 'leaf.key', '-out', 'leaf.csr', '-subj', '/CN=leaf');
  openssl('x509', '-req', '-in', 'leaf.csr', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '9', '-extfile', cnf, '-extensions', 'leaf', '-out', 'leaf.pem');
  fs.appendFileSync(path.join(dir, 'leaf.pem'), fs.readFileSync(path.join(dir, 'ca.pem')));
}

// ---- processes ----

// On a machine of one processor everything shares it, and says so.
function pinned(processor, command, args, stdio) {
  return processors > 1 && !options.free
    ? spawn('taskset', ['-c', String(processor), command, ...args], { stdio })
    : spawn(command, args, { stdio });
}

// CPU in ms by thread name, of all threads that are there.
function threads(pid) {
  const sums = { all: 0 };
  for (const id of fs.readdirSync(`/proc/${pid}/task`)) {
    let stat;
    try {
      stat = fs.readFileSync(`/proc/${pid}/task/${id}/stat`, 'utf8');
    } catch { continue; }
    const name = /\((.*)\)/.exec(stat)[1];
    const words = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const ms = (Number(words[11]) + Number(words[12])) * tick;
    sums[name] = (sums[name] ?? 0) + ms;
    sums.all += ms;
  }
  return sums;
}

const status = (pid, key) => Number(new RegExp(`${key}:\\s+(\\d+)`).exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;

async function metrics(url) {
  const { text } = await get(`${url}/metrics/daemon`, { timeout: 60000 });
  const out = {};
  for (const [, name, labels, value] of text.matchAll(/^(\w+)\{([^}]*)\} (\S+)$/gm)) {
    out[`${name}${/(?:le|quantile|operator)="[^"]*"/.exec(labels)?.[0] ?? ''}`] = Number(value);
  }
  return out;
}

// The quantile of the histogram between two readings, as its upper bound in ms.
function quantile(before, after, q) {
  const family = 'dyzurny_run_start_lateness_seconds_bucket';
  const steps = Object.keys(after).filter((key) => key.startsWith(family))
    .map((key) => [Number(/le="([^"]*)"/.exec(key)[1].replace('+Inf', 'Infinity')), after[key] - before[key]])
    .sort((a, b) => a[0] - b[0]);
  const all = steps.at(-1)?.[1] ?? 0;
  return (steps.find(([, count]) => count >= q * all)?.[0] ?? NaN) * 1000;
}

// ---- the measurement ----

async function main(dir, children) {
  const config = path.join(dir, 'dyzurny.cfg');
  const log = path.join(dir, 'log');
  const binary = path.join(build, 'daemon/dyzurny');
  prepare(dir);
  const target = pinned(1, path.join(build, 'tests/bench/country_target'), [path.join(dir, 'leaf.pem'), path.join(dir, 'leaf.key')], ['ignore', 'pipe', 'inherit']);
  children.push(target);
  const lines = createInterface({ input: target.stdout })[Symbol.asyncIterator]();
  const port = Number((await lines.next()).value);
  fs.writeFileSync(config, configuration(dir, port));
  say('deployments / interval / engines', `${n}/${every}s/${options.engines}`);
  say('accounts in a journey', options['one-account'] ? 1 : 2);

  let from = performance.now();
  execFileSync(binary, ['check', '-c', config], { stdio: ['ignore', 'pipe', 'inherit'] });
  say('dyzurny check', ((performance.now() - from) / 1000).toFixed(2), 's');

  const asked = lines.next();
  const slow = n > 1000; // else the first journey is hardly due before that
  const out = fs.openSync(log, 'a');
  from = performance.now();
  const daemon = pinned(0, binary, ['serve', '-c', config], ['ignore', out, out]);
  children.push(daemon);
  daemon.on('exit', (code) => { daemon.code = code ?? -1; });
  if (slow) await asked;
  if (slow) judge('start to first probe', (performance.now() - from) / 1000, 5, 's', 2);
  const url = await until('the daemon listens', () => {
    if (daemon.code !== undefined) throw new Error(fs.readFileSync(log, 'utf8').slice(-2000));
    const [, at] = /web listens .*port=(\d+)/.exec(fs.readFileSync(log, 'utf8')) ?? [];
    return at && `http://127.0.0.1:${at}`;
  }, 120);
  if (!slow) judge('start until it probes what is due', (performance.now() - from) / 1000, 0.3, 's, to within 0.05', 2);

  // one interval until each has run once and all memory is there
  await sleep(Number(options.settle ?? every + 2));
  const noise = pinned(0, path.join(build, 'tests/bench/country_target'), ['noise', String(Math.max(1, Math.floor(seconds / 2)))], ['ignore', 'pipe', 'inherit']);
  children.push(noise);
  const sleeper = createInterface({ input: noise.stdout })[Symbol.asyncIterator]();
  const first = await metrics(url);
  const cpu = threads(daemon.pid);
  const targetCpu = threads(target.pid).all;
  from = performance.now();
  await sleep(options['no-reload'] ? seconds : seconds / 2);
  const middle = await metrics(url);
  let reload;
  if (!options['no-reload']) {
    reload = performance.now();
    daemon.kill('SIGHUP');
    await until('it is reloaded', () => / reloaded/.test(fs.readFileSync(log, 'utf8')), 120);
    reload = performance.now() - reload;
    await sleep(Math.max(1, seconds / 2 - reload / 1000));
  }
  const last = await metrics(url);
  const took = performance.now() - from;
  const used = threads(daemon.pid);
  const runs = last.dyzurny_runs_total - first.dyzurny_runs_total;
  const share = (ms) => (100 * ms) / took;

  const [p50, p99, most] = (await sleeper.next()).value.split(' ');
  say('who only sleeps there is late by p50/p99/most', `${p50}/${p99}/${most}`, 'ms: the machine, the daemon included');
  judge('start lateness p50, until the reload', quantile(first, middle, 0.5), 10, 'ms, as a bucket\'s bound');
  judge('start lateness p99, until the reload', quantile(first, middle, 0.99), 10, 'ms, as a bucket\'s bound');
  judge('start lateness, the worst', quantile(first, middle, 1), 50, 'ms, as a bucket\'s bound');
  if (reload !== undefined) {
    say('reload', (reload / 1000).toFixed(2), 's');
    judge('start lateness p99, with the reload', quantile(middle, last, 0.99), 10, 'ms, as a bucket\'s bound');
    judge('start lateness with the reload, the worst', quantile(middle, last, 1), 50, 'ms, as a bucket\'s bound');
  }
  say('journeys a second', (runs / (took / 1000)).toFixed(1));
  say('runs begun / due', `${runs}/${Math.round((n * took) / 1000 / every)}`);
  judge('runs missed', last.dyzurny_runs_skipped_total - first.dyzurny_runs_skipped_total, 0, 'runs', 0);
  say('transactions tainted by us', last.dyzurny_runs_tainted_total - first.dyzurny_runs_tainted_total);
  say('refused by the store\'s queue', last.dyzurny_store_refused_total - first.dyzurny_store_refused_total);
  judge('CPU of the daemon', share(used.all - cpu.all), 100, '% of a core');
  for (const name of Object.keys(used).filter((key) => key !== 'all').sort()) {
    const ms = used[name] - (cpu[name] ?? 0);
    if (share(ms) >= 0.05) say(`  thread ${name}`, share(ms).toFixed(1), `%, ${((1000 * ms) / runs).toFixed(0)} µs a journey`);
  }
  say('CPU of the daemon, a journey', ((used.all - cpu.all) / runs).toFixed(3), 'ms');
  say('CPU of the target', share(threads(target.pid).all - targetCpu).toFixed(1), '%');
  judge('memory, now', status(daemon.pid, 'VmRSS'), n > 1000 ? 512 : 32, 'MB');
  judge('memory, at most', status(daemon.pid, 'VmHWM'), n > 1000 ? 512 : 32, 'MB');
  if (options.free) return; // what waits for the store is no concern then
  from = performance.now();
  daemon.kill('SIGTERM');
  await until('it stops', () => daemon.code !== undefined, 120);
  say('stop', ((performance.now() - from) / 1000).toFixed(2), `s, exit ${daemon.code}`);
}

const dir = options.dir ?? fs.mkdtempSync(path.join(os.tmpdir(), 'dyzurny-country-'));
const children = [];
try {
  await main(dir, children);
} finally {
  for (const child of children) child.kill('SIGKILL');
  if (!options.dir) fs.rmSync(dir, { recursive: true, force: true });
}
process.exit(0);
