// The availability account: what the daemon counted is what the command, the
// API, the page and the CSV say, minute by minute, over an outage, a kill and
// announced maintenance.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';

import { allMeasured, dyzurny, get, scenario, until } from '../lib/world.mjs';

const sum = (one) => one.available + one.unavailable + one.maintenance + one.blind + one.not_measured;
// The month by Warsaw's clock.
const thisMonth = () => new Intl.DateTimeFormat('sv-SE', { timeZone: 'Europe/Warsaw', year: 'numeric', month: '2-digit' }).format(new Date()).slice(0, 7);
const minuteOf = (ms) => Math.floor(ms / 60000) * 60;

const rules = (text) => text.replace('severity = 3; }', 'severity = 3; operator = "vulcan"; transaction = "login"; }');

scenario('the account says what happened, the same in every form', async (world) => {
  const config = world.configure({ change: rules });
  const month = thisMonth();
  let daemon = await world.start();
  await allMeasured(world, 2);
  const report = (...more) => dyzurny('report', '-c', config, '--operator', 'vulcan', '--month', month, ...more);
  const account = async () => JSON.parse((await report('--format', 'json')).out);
  const minutes = async (name, dep) => (await account()).transactions.find((one) => one.name === name).deployments.find((one) => one.name === dep);

  // an outage of one school, over at least two whole minutes
  await world.sim.fault('vulcan', 'http_503', { deployment: 'gdansk' });
  const failedFrom = minuteOf(Date.now());
  await until('two minutes of it', async () => (await minutes('login', 'gdansk')).unavailable >= 2, 300);
  await world.sim.clear('vulcan');
  await until('it is well again', async () => (await world.transactions()).find((one) => one.target === 'vulcan/gdansk/login').state === 'up', 180);
  const failedUntil = minuteOf(Date.now()) + 60;

  // killed, and away for a while
  await daemon.stop('SIGKILL');
  const killedAt = Date.now() / 1000;
  daemon = await world.start();
  await allMeasured(world, 1);

  // maintenance of another one, recorded afterwards by staff
  const made = await dyzurny('maintenance', '-c', config, 'add', 'vulcan/lublin', '--reason', 'baza', '--from', '-30s', '--until', '+1s');
  assert.equal(made.code, 0, made.err);

  const json = await until('it is written and over', async () => {
    const one = await account();
    return one.maintenance.length === 1 && one.until >= one.maintenance[0].until && one;
  }, 120);
  assert.deepEqual([json.operator, json.month, json.time_zone, json.complete], ['vulcan', month, 'Europe/Warsaw', false]);
  assert.equal(json.minutes, (json.until - json.from) / 60);
  for (const act of json.transactions) {
    assert.equal(sum(act), act.deployments.length * json.minutes, act.name);
    assert.equal(act.days.reduce((all, day) => all + sum(day), 0), sum(act));
    assert.equal(act.days.reduce((all, day) => all + day.minutes, 0), json.minutes);
    assert.equal(act.deployments.reduce((all, dep) => all + dep.unavailable, 0), act.unavailable);
  }

  // the outage is where it was, leads to its runs and its incident
  const outages = json.outages.filter((one) => one.deployment === 'gdansk' && one.transaction === 'login');
  assert.ok(outages.length >= 1, JSON.stringify(json.outages));
  for (const one of outages) {
    assert.ok(one.from >= failedFrom && one.until <= failedUntil, `${one.from} ${one.until} in ${failedFrom} ${failedUntil}`);
    assert.equal(one.minutes, (one.until - one.from) / 60);
    assert.deepEqual([one.reason, one.runs > 0], ['http_5xx', true]);
    assert.match(one.first_run, /^[0-9a-f]{32}$/);
    const run = await get(`${daemon.url}/api/v1/runs/${one.first_run}`);
    assert.equal(run.status, 200);
    assert.equal(run.json().deployment, 'gdansk');
  }
  // asked less often while it fails, it may be more than one
  assert.ok(outages.some((one) => one.incidents.length > 0), JSON.stringify(outages));
  // a busy machine may be late anywhere, but this failed nowhere else
  assert.deepEqual(json.outages.filter((one) => one.deployment !== 'gdansk' && one.reason === 'http_5xx'), []);

  // each minute of it can be traced to its runs
  for (const one of outages) {
    const trace = (await get(`${daemon.url}/api/v1/availability/minutes?target=vulcan/gdansk/login&from=${one.from - 60}&to=${one.until + 60}`)).json();
    // the minute after it is there when it is over
    assert.ok([1, 2].includes(trace.minutes.length - one.minutes), JSON.stringify(trace));
    const inside = trace.minutes.slice(1, 1 + one.minutes);
    assert.ok(inside.every((minute) => minute.what === 'unavailable'), JSON.stringify(trace));
    assert.ok(inside.every((minute) => minute.failed === minute.runs.length));
    assert.equal(inside[0].runs[0].id, one.first_run);
    assert.equal(inside.reduce((all, minute) => all + minute.runs.length, 0), one.runs);
    assert.notEqual(trace.minutes[0].what, 'unavailable');
  }
  for (const [query, status] of [['target=vulcan/gdansk/login&from=-2d', 400], ['target=vulcan/gdansk', 404], ['target=vulcan/nowhere/login', 404]]) {
    assert.equal((await get(`${daemon.url}/api/v1/availability/minutes?${query}`)).status, status, query);
  }

  // our own time
  const [blind] = json.blind;
  assert.equal(blind.cause, 'stopped');
  assert.ok(Math.abs(blind.from - killedAt) < 7 && blind.until > blind.from, `${blind.from} ${killedAt}`);
  const [window] = json.maintenance;
  assert.deepEqual([window.deployment, window.reason, window.agreed], ['lublin', 'baza', true]);
  assert.ok((await minutes('login', 'lublin')).maintenance >= 1);
  assert.equal((await minutes('login', 'gdansk')).maintenance, 0);

  // a minute later there is one more; so all are asked within one
  const same = await until('all within one minute', async () => {
    const first = await account();
    const api = (await get(`${daemon.url}/api/v1/availability?operator=vulcan&month=${month}`)).json();
    const csv = {};
    for (const lang of ['pl', 'en']) {
      csv[lang] = [await report('--format', 'csv', '--lang', lang), await get(`${daemon.url}/api/v1/availability?operator=vulcan&month=${month}&format=csv&lang=${lang}`)];
    }
    const page = (await get(`${daemon.url}/reports/vulcan/${month}?lang=pl`)).text;
    const html = (await report('--format', 'html', '--lang', 'en')).out;
    const text = (await report()).out;
    const last = await account();
    return last.until === first.until && { first, api, csv, page, html, text };
  }, 180);
  assert.deepEqual({ ...same.api, as_of: 0, blind: [] }, { ...same.first, as_of: 0, blind: [] });
  for (const lang of ['pl', 'en']) {
    const [command, api] = same.csv[lang];
    assert.equal(command.code, 0, command.err);
    assert.equal(api.text, command.out);
    assert.match(api.headers['content-disposition'], new RegExp(`vulcan-${month}.${lang}.csv`));
    assert.equal(crypto.createHash('sha256').update(command.out).digest('hex'), same.first.csv_sha256[lang]);
  }
  const polish = same.csv.pl[0].out;
  assert.equal(polish.codePointAt(0), 0xfeff);
  const rows = polish.trimEnd().slice(1).split('\r\n').map((row) => row.split(';'));
  assert.ok(rows.every((row) => row.length === 12));
  assert.equal(rows.length, 1 + same.first.transactions.reduce((all, act) => all + 1 + act.days.length + act.deployments.length, 0));
  const login = same.first.transactions.find((act) => act.name === 'login');
  assert.deepEqual(rows.find((row) => row[2] === 'login' && row[3] === '' && row[4] === '').slice(5, 11).map(Number),
    [sum(login), login.available, login.unavailable, login.maintenance, login.blind, login.not_measured]);
  const gdansk = login.deployments.find((dep) => dep.name === 'gdansk');
  assert.deepEqual(rows.find((row) => row[2] === 'login' && row[3] === 'gdansk').slice(6, 8).map(Number), [gdansk.available, gdansk.unavailable]);
  assert.ok(same.page.includes(same.first.csv_sha256.pl));
  assert.ok(same.html.includes(same.first.csv_sha256.en));
  assert.ok(same.text.includes(same.first.csv_sha256.en));
  assert.ok(same.page.includes('Rozliczenie') || same.page.includes('dostępność'));
  assert.match(same.html, /^<!doctype html>/);
  assert.equal(/<script|https?:\/\//.test(same.html), false, 'the file stands alone');
  const lines = same.text.split('\n');
  const row = lines.slice(lines.findIndex((line) => line.startsWith('  login'))).find((line) => line.trim().startsWith('gdansk'));
  assert.deepEqual(row.trim().split(/ +/).slice(-5).map(Number), [gdansk.available, gdansk.unavailable, gdansk.maintenance, gdansk.blind, gdansk.not_measured]);
  assert.equal((await get(`${daemon.url}/reports?lang=en`)).text.includes(`/reports/vulcan/${month}`), true);

  // what cannot be asked
  for (const [query, field, status = 400] of [
    ['month=2026-10', 'operator'],
    ['operator=vulcan', 'month'],
    ['operator=vulcan&month=2026-13', 'month'],
    ['operator=vulcan&month=października', 'month'],
    ['operator=vulcan&month=2026-10&format=pdf', 'format'],
    ['operator=nobody&month=2026-10', undefined, 404],
  ]) {
    const answer = await get(`${daemon.url}/api/v1/availability?${encodeURI(query)}`);
    assert.deepEqual([answer.status, answer.json().error.field], [status, field], query);
  }
  assert.equal((await get(`${daemon.url}/reports/vulcan/2026-00`)).status, 400);
  assert.equal((await get(`${daemon.url}/reports/nobody/2026-10`)).status, 404);
  for (const [args, code, words] of [
    [['--operator', 'vulcan'], 2, /--month: is missing/],
    [['--month', month], 2, /--operator: is missing/],
    [['--operator', 'vulcan', '--month', '2026-1'], 2, /--month: must be a month/],
    [['--operator', 'vulcan', '--month', month, '--format', 'pdf'], 2, /--format: must be/],
    [['--operator', 'nobody', '--month', month], 1, /nothing was ever measured of 'nobody'/],
  ]) {
    const answer = await dyzurny('report', '-c', config, ...args);
    assert.equal(answer.code, code);
    assert.match(answer.err, words);
    assert.equal(answer.out, '');
  }

  // and without the daemon
  await daemon.stop();
  const offline = await account();
  assert.deepEqual(offline.outages.filter((one) => one.transaction === 'login'), json.outages.filter((one) => one.transaction === 'login'));
});
