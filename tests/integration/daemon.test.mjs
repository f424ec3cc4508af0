// The daemon's life: it measures, stores, shows, is reloaded, stops and starts.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';

import { srcdir } from '../lib/daemon.mjs';
import { allMeasured, binary, get, run, scenario, until } from '../lib/world.mjs';

function rrdFiles(dir) {
  return fs.readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.rrd'))
    .map((entry) => path.join(entry.parentPath ?? entry.path, entry.name));
}

// rrdtool refuses a file in the moment in which the daemon writes it.
async function rrdtool(args) {
  for (let tries = 0; ; tries += 1) {
    const done = await run('rrdtool', args);
    if (tries === 50 || !done.err.includes('could not lock')) return done;
    await new Promise((resolve) => { setTimeout(resolve, 100); });
  }
}

scenario('all five operators are measured, stored and shown', async (world) => {
  world.configure();
  const daemon = await world.start();
  const all = await allMeasured(world, 5);
  for (const one of all) {
    assert.ok(one.latency_ms > 0, one.target);
    // fewer than five in the window give no percentile
    if (one.samples >= 5) assert.ok(one.p50_ms > 0 && one.p95_ms >= one.p50_ms, one.target);
    else assert.equal(one.p50_ms, null, one.target);
  }

  // pages, in both languages, complete without script
  for (const page of ['/', '/operators/librus', '/incidents', '/status']) {
    for (const [lang, word] of [['pl', 'działa'], ['en', 'work']]) {
      const { status, headers, text } = await get(`${daemon.url}${page}?lang=${lang}`);
      assert.equal(status, 200, page);
      assert.match(headers['content-security-policy'], /default-src 'none'/);
      assert.match(text, new RegExp(`<html[^>]* lang="${lang}"`), page);
      if (page !== '/incidents') assert.ok(text.includes(word), `${page} ${lang}`);
    }
  }

  // series, from files that rrdtool itself can read
  const now = Math.floor(Date.now() / 1000);
  const series = (await get(`${daemon.url}/api/v1/series?target=wizja/sp1/login&from=${now - 60}&to=${now}&step=2`)).json();
  assert.ok(series.time.length > 0);
  assert.ok(series.mean_ms.some((value) => value > 0));
  assert.ok(series.p50_ms.every((value, i) => value === null || series.ok[i] >= 5));
  const files = rrdFiles(path.join(world.dir, 'state/rrd'));
  assert.equal(files.length, (24 + 15) * 2, 'a phase and a histogram file for each target, and for each operator as a whole');
  for (const file of files) {
    const info = await rrdtool(['info', file]);
    assert.equal(info.code, 0, info.err);
    const fetch = await rrdtool(['fetch', file, 'AVERAGE', '-s', '-1min']);
    assert.equal(fetch.code, 0, fetch.err);
    const source = file.endsWith('.hist.rrd') ? 'b10' : 'total';
    const graph = await rrdtool(['graph', path.join(world.dir, 'g.png'), `DEF:x=${file}:${source}:AVERAGE`, 'LINE1:x#000000']);
    assert.equal(graph.code, 0, graph.err);
  }
  const phase = await rrdtool(['fetch', path.join(world.dir, 'state/rrd/wizja/sp1/login.rrd'), 'AVERAGE', '-s', '-1min']);
  assert.match(phase.out, /\d: [1-9]\.\d+e\+0[0-3]/);

  // runs with evidence
  const runs = (await get(`${daemon.url}/api/v1/runs?target=librus/synergia&limit=3`)).json().runs;
  assert.ok(runs.length > 0);
  const one = (await get(`${daemon.url}/api/v1/runs/${runs[0].id}`)).json();
  assert.equal(one.operator, 'librus');
  assert.ok(one.exchanges.length > 5);
  assert.equal((await get(`${daemon.url}/api/v1/runs/${runs[0].id}/har`)).json().log.version, '1.2');
  assert.equal((await get(`${daemon.url}/runs/${runs[0].id}`)).status, 200);

  // for machines
  const metrics = await get(`${daemon.url}/metrics`);
  assert.equal(metrics.status, 200);
  assert.match(metrics.text, /dyzurny_probe_requests_total\{[^}]*operator="librus"[^}]*\} \d/);
  assert.equal((await get(`${daemon.url}/healthz`)).status, 200);
  assert.equal((await get(`${daemon.url}/openapi.json`)).json().openapi.slice(0, 3), '3.1');
  assert.equal((await get(`${daemon.url}/api/v1/series?target=librus/nope`)).status, 404);
  assert.equal((await get(`${daemon.url}/api/v1/runs?limit=x`)).status, 400);
});

scenario('the budget holds at the operators\' own counters', async (world) => {
  // as much as is planned, and messages that are looked for again and again
  const profiles = path.join(world.dir, 'profiles');
  fs.cpSync(path.join(srcdir, 'conf/profiles'), profiles, { recursive: true });
  for (const name of fs.readdirSync(profiles)) {
    const file = path.join(profiles, name);
    fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replaceAll('every = "2s"', 'every = "100ms"'));
  }
  const change = (text) => text.replaceAll(path.join(srcdir, 'conf/profiles'), profiles);
  const config = world.configure({ every: '15s', change });
  const { out } = await run(binary, ['check', '-c', config]);
  const budget = Object.fromEntries(['librus', 'vulcan', 'helion', 'wizja', 'eszkola24']
    .map((name) => [name, Math.ceil(Number(out.match(new RegExp(`${name} +\\d+ +([\\d.]+) `))[1]))]));
  const budgets = Object.values(budget);
  fs.writeFileSync(config, fs.readFileSync(config, 'utf8').replaceAll(/per_minute = \d+/g, () => `per_minute = ${budgets.shift()}`));
  for (const name of Object.keys(budget)) await world.sim.fault(name, 'message_lost');
  const began = Date.now();
  await world.start();
  await until('every operator\'s budget is spent', async () => (await world.status()).operators
    .every((operator) => operator.deployments.some((deployment) => deployment.transactions
      .some((one) => one.reason === 'budget_spent'))), 180);
  const { operators } = await world.sim.state();
  const minutes = Math.ceil((Date.now() - began) / 60000);
  for (const [name, { requests }] of Object.entries(operators)) {
    assert.ok(requests >= budget[name] / 2 && requests <= budget[name] * minutes, `${name}: ${requests} in ${minutes} min of ${budget[name]}`);
  }
});

scenario('SIGTERM ends it cleanly with event streams open, and a restart keeps what was known', async (world) => {
  world.configure();
  const daemon = await world.start();
  await allMeasured(world, 2);
  const streams = [];
  for (let i = 0; i < 20; i += 1) {
    streams.push(await new Promise((resolve, reject) => {
      const request = http.get(`${daemon.url}/api/v1/events`, { agent: false }, (response) => {
        const stream = { text: '', ended: false };
        response.on('data', (part) => { stream.text += part; });
        response.on('close', () => { stream.ended = true; });
        resolve(stream);
      });
      request.on('error', reject);
    }));
  }
  await until('a status event on every stream', () => streams.every((stream) => /event: status/.test(stream.text)));
  assert.equal(await daemon.stop(), 0, world.log().slice(-2000));
  await until('the streams end', () => streams.every((stream) => stream.ended));
  const again = await world.start();
  await until('the day\'s availability is remembered', async () => (await world.status()).operators
    .find((operator) => operator.name === 'wizja').deployments[0].transactions[0].availability_24h > 0.5);
  const runs = (await get(`${again.url}/api/v1/runs?target=wizja/sp1&limit=5`)).json().runs;
  assert.ok(runs.length > 0);
});

scenario('killed, it has its series again; stopped, it leaves nothing to recover', async (world) => {
  world.configure();
  const daemon = await world.start();
  await allMeasured(world, 4);
  const from = Math.floor(Date.now() / 1000) - 300;
  const to = from + 600;
  const count = async ({ url }) => {
    const series = (await get(`${url}/api/v1/series?target=wizja/sp1/login&from=${from}&to=${to}`)).json();
    return series.ok.reduce((sum, value) => sum + value, 0);
  };
  const before = await count(daemon);
  assert.ok(before > 0);
  await daemon.stop('SIGKILL');
  const recent = path.join(world.dir, 'state/recent');
  assert.notDeepEqual(fs.readdirSync(recent), []);
  const again = await world.start();
  await until('it has recovered', () => /series recovered after="a kill"/.test(world.log()));
  assert.ok(await count(again) >= before);
  assert.equal(await again.stop(), 0);
  assert.deepEqual(fs.readdirSync(recent), []);
});

// hangs(world): operators do not answer, and journeys wait for them.
async function hangs(world) {
  await allMeasured(world, 1);
  for (const name of ['wizja', 'librus', 'eszkola24']) await world.sim.fault(name, 'hang');
  await until('journeys hang', async () => (await world.transactions())
    .filter(({ target }) => /^(wizja|librus|eszkola24)/.test(target))
    .every((one) => Date.now() / 1000 - one.last_run > 6), 180);
}

scenario('operators that hang do not keep it from stopping in time', async (world) => {
  world.configure();
  const daemon = await world.start();
  await hangs(world);
  assert.equal(await daemon.stop(), 0, world.log().slice(-2000));
  assert.match(world.log(), / stopped/);
  assert.doesNotMatch(world.log(), /journeys cut off/, 'each came to its end by itself');
});

scenario('asked twice, it stops at once', async (world) => {
  world.configure();
  const daemon = await world.start();
  await hangs(world);
  daemon.child.kill('SIGTERM');
  await until('it begins to stop', () => / stopping/.test(world.log()));
  assert.equal(await daemon.stop(), 0, world.log().slice(-2000));
});

scenario('a deployment that a reload adds has its day from the ledger', async (world) => {
  const config = world.configure();
  const find = async () => (await world.transactions()).find((one) => one.target === 'wizja/lo2/login');
  const before = await world.start();
  await until('lo2 is measured', async () => (await find())?.ok >= 5, 180);
  assert.equal(await before.stop(), 0);

  const good = fs.readFileSync(config, 'utf8');
  const without = good.replace(/\{ name = "lo2";[\s\S]*?"wizja-lo2-b"; \}/, '').replace(/("wizja-sp1-b"; \}),/, '$1');
  assert.notEqual(without, good);
  fs.writeFileSync(config, without);
  const daemon = await world.start();
  assert.equal(await find(), undefined);
  await world.sim.fault('wizja', 'http_503');
  fs.writeFileSync(config, good);
  daemon.child.kill('SIGHUP');
  const lo2 = await until('lo2 is back', find);
  assert.equal(lo2.ok, 0, 'in this process it was never up');
  assert.ok(lo2.availability_24h > 0.5, `${lo2.availability_24h}`);
});

scenario('a second daemon on the same directory refuses to start', async (world) => {
  world.configure();
  await world.start();
  const { code, err } = await run(binary, ['serve', '-c', world.config]);
  assert.equal(code, 1);
  assert.match(err, /state directory in use/);
});

scenario('damaged files are moved aside and begun anew', async (world) => {
  world.configure();
  const daemon = await world.start();
  await allMeasured(world, 2);
  assert.equal(await daemon.stop(), 0);
  const login = path.join(world.dir, 'state/rrd/wizja/sp1/login.rrd');
  const grades = path.join(world.dir, 'state/rrd/wizja/sp1/grades.rrd');
  fs.truncateSync(login, 100);
  const handle = fs.openSync(grades, 'r+');
  fs.writeSync(handle, Buffer.alloc(512), 0, 512, 0);
  fs.closeSync(handle);
  await world.start();
  for (const file of [login, grades]) {
    await until(`${file} is new`, async () => {
      const names = fs.readdirSync(path.dirname(file));
      return names.some((name) => name.startsWith(`${path.basename(file)}.damaged-`))
        && (await rrdtool(['info', file])).code === 0;
    });
  }
  assert.match(world.log(), /damaged/);
});

scenario('RRD files and webhooks do not care about the locale', async (world) => {
  const locales = path.join(world.dir, 'locales');
  fs.mkdirSync(locales);
  const made = await run('localedef', ['-i', 'pl_PL', '-f', 'UTF-8', '--no-archive', path.join(locales, 'pl_PL.UTF-8')]);
  assert.equal(made.code, 0, made.err);
  // the C library keeps what it read of LOCPATH, which is no leak of ours
  const env = { LOCPATH: locales, LC_ALL: 'pl_PL.UTF-8', LANG: 'pl_PL.UTF-8', ASAN_OPTIONS: 'detect_leaks=0' };
  const comma = await run('locale', ['decimal_point'], { env: { ...process.env, ...env } });
  assert.equal(comma.out.trim(), ',', `the locale is not active: ${comma.err}`);

  world.configure();
  const daemon = await world.start({ env });
  await allMeasured(world, 2);
  // with three schools there is enough to judge, however slow the machine
  await world.sim.fault('vulcan', 'http_503');
  const opened = await until('the incident is delivered', () => world.hook.received
    .find((message) => message.type === 'incident.opened' && message.data.operator === 'vulcan'), 180);
  assert.equal(opened.problem, undefined);
  assert.ok(opened.data.value >= 0 && opened.data.value < 1);
  const now = Math.floor(Date.now() / 1000);
  for (const target of ['wizja/sp1/login', 'vulcan']) {
    const series = (await get(`${daemon.url}/api/v1/series?target=${target}&from=${now - 60}&to=${now}&step=2`)).json();
    assert.ok(series.mean_ms.some((value) => value > 0 && !Number.isInteger(value)), JSON.stringify(series.mean_ms));
  }
  const fetch = await rrdtool(['fetch', path.join(world.dir, 'state/rrd/wizja/sp1/login.rrd'), 'AVERAGE', '-s', '-1min']);
  assert.match(fetch.out, /\d: [1-9]\.\d+e\+0[0-3]/);
  assert.doesNotMatch(world.log(), / error /);
});

scenario('a test that dies takes the daemon that it started with it', async (world) => {
  const config = world.configure();
  const options = { binary, config, log: path.join(world.dir, 'dyzurny.log') };
  const dying = `
    import { startDaemon } from ${JSON.stringify(path.join(srcdir, 'tests/lib/daemon.mjs'))};
    const daemon = await startDaemon(${JSON.stringify(options)});
    console.log(daemon.url);
    throw new Error('as a test that fails');`;
  const { code, out, err } = await run(process.execPath, ['--input-type=module', '-e', dying]);
  assert.equal(code, 1, err);
  await until('nobody listens any more', () => get(out.trim()).then(() => false, (error) => error.code === 'ECONNREFUSED'));
});
