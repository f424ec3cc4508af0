// A back-test over what the daemon has stored finds the incident that the
// daemon has opened, while it runs and after it; other rules find more, or none.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';

import { allMeasured, dyzurny, get, scenario, until } from '../lib/world.mjs';

const MORE = `,
  { name = "absurd"; kind = "availability"; below = "1%"; window = "20s"; min_samples = 100000; },
  { name = "strict"; kind = "availability"; below = "100%"; window = "20s"; min_samples = 1; scope = "deployment"; },
  { name = "sluggish"; kind = "latency"; above = "1ms"; quantile = 0.5; window = "2m"; min_samples = 3; transaction = "login"; },
  { name = "paper"; kind = "certificate"; within = "14d"; },
  { name = "odd"; kind = "deviation"; band = "1ms"; window = "2m"; min_samples = 3; transaction = "login"; },
  { name = "silence"; kind = "no_data"; window = "2m"; }
);

subscribers = (`;

scenario('a back-test finds what the daemon has found', async (world) => {
  world.configure();
  const began = Date.now() / 1000;
  const daemon = await world.start();
  await allMeasured(world, 3);
  const incidents = async () => (await get(`${daemon.url}/api/v1/incidents?state=all`)).json().incidents;

  // an outage of one operator
  await world.sim.fault('vulcan', 'http_503');
  const scope = 'vulcan/_all/login';
  await until('all three schools have failed in an incident', async () => (await incidents())
    .some((one) => one.scope === scope && one.affected.most === 3), 180);
  await world.sim.clear('vulcan');
  const really = await until('it is over', async () => {
    const all = await incidents();
    return all.every((one) => one.state === 'resolved') && all;
  }, 180);
  const real = really.find((one) => one.scope === scope);

  // the rules that are tried need not be those of the daemon
  const config = path.join(world.dir, 'tried.cfg');
  fs.writeFileSync(config, fs.readFileSync(world.config, 'utf8').replace(/\n\);\n\nsubscribers = \(/, MORE));
  const from = String(Math.floor(began));
  const backtest = (...args) => dyzurny('backtest', '-c', config, ...args);
  const json = async (...args) => {
    const got = await backtest('--from', from, '--json', ...args);
    assert.equal(got.code, 0, got.err);
    return JSON.parse(got.out);
  };
  const same = (found) => {
    const mine = found.incidents.filter((one) => one.overlaps === real.number);
    assert.equal(mine.length, 1, JSON.stringify([found, really]));
    // a minute of the tallies and an interval
    assert.ok(Math.abs(mine[0].opened - real.opened) <= 62, `${mine[0].opened} ${real.opened}`);
    assert.ok(Math.abs(mine[0].resolved - real.resolved) <= 62, `${mine[0].resolved} ${real.resolved}`);
    assert.equal(mine[0].scope, scope);
    assert.equal(mine[0].severity, real.severity);
    assert.equal(mine[0].before_span, false);
    return mine[0];
  };

  // while it runs
  const found = await json('--rule', 'availability');
  const one = same(found);
  // what failed is known from the runs that are kept
  assert.deepEqual([one.reason, one.side, one.affected.most, one.affected.of], ['http_5xx', 'operator', 3, 3]);
  assert.deepEqual(found.rules.map((rule) => [rule.name, rule.kind, rule.tested, rule.incidents]),
    [['availability', 'availability', true, found.incidents.length]]);
  assert.ok(found.from === Math.floor(began) && found.to >= found.history.last);
  assert.ok(found.history.first >= began - 60 && found.history.results > 0);
  assert.deepEqual(found.history.gaps, []);

  // other rules
  assert.deepEqual((await json('--rule', 'absurd')).incidents, []);
  const strict = await json('--rule', 'strict');
  assert.ok(strict.incidents.length > found.incidents.length, JSON.stringify(strict.rules));
  for (const name of ['gdansk', 'lublin', 'kielce']) {
    assert.ok(strict.incidents.some((incident) => incident.scope === `vulcan/${name}/login`), name);
  }

  // after it: latencies are in their files
  assert.equal(await daemon.stop(), 0);
  same(await json('--rule', 'availability'));
  const slow = await json('--rule', 'sluggish');
  assert.equal(new Set(slow.incidents.map((incident) => incident.operator)).size, 5, JSON.stringify(slow));
  assert.ok(slow.history.latency.length > 0 && slow.history.latency_unknown < slow.history.results / 10, JSON.stringify(slow.history));
  const all = await json();
  assert.equal(all.really_opened, (await json('--rule', 'absurd')).really_opened);
  // there are no weeks to compare with, which is said
  const odd = (await json('--rule', 'odd')).rules[0];
  assert.deepEqual([odd.kind, odd.tested, odd.incidents], ['deviation', true, 0]);
  assert.ok(odd.hours >= 5 && odd.hours_without_verdict === odd.hours, JSON.stringify(odd));
  const paper = all.rules.find((rule) => rule.name === 'paper');
  assert.equal(paper.tested, false);
  assert.match(paper.why_not, /not kept/);
  assert.equal(all.incidents.filter((incident) => incident.rule === 'silence').length, 0);

  // for people
  const text = await backtest('--from', from);
  assert.equal(text.code, 0, text.err);
  assert.match(text.out, /^Back-test from \d{4}-\d\d-\d\d \d\d:\d\d:\d\d CES?T to /);
  assert.match(text.out, /^paper +certificate .*not back-tested: /m);
  assert.match(text.out, /^odd +deviation .*no verdict in \d+ of \d+ hours: /m);
  assert.match(text.out, new RegExp(`^20.* availability +vulcan/_all/login +3 of 3 +${real.number} `, 'm'));
  assert.match(text.out, /^Of these \d+, \d+ overlap an incident that was really opened/m);
  assert.match((await backtest('--from', from, '--rule', 'absurd')).out, /No incident would have been opened/);

  // what is wrong is said, with the option's name
  for (const [args, says] of [
    [[], /usage: dyzurny backtest/],
    [['--from', 'yesterday'], /--from must be a time such as/],
    [['--from', '-1h', '--to', 'x'], /--to must be a time such as/],
    [['--from', 'now', '--to', '-1h'], /--from must be before --to/],
    [['--from', '2026-10-25T02:30'], /--from happened twice in Warsaw/],
    [['--from', '-1h', '--rule', 'availabilty'], /--rule names no rule .*did you mean "availability"/],
    [['--from', '-1h', 'more'], /usage: dyzurny backtest/],
  ]) {
    const got = await backtest(...args);
    assert.equal(got.code, 2, args.join(' '));
    assert.match(got.err, says);
  }

  // no ledger, and one that is none
  const ledger = path.join(world.dir, 'state/ledger.db');
  for (const name of ['ledger.db', 'ledger.db-wal', 'ledger.db-shm']) fs.rmSync(path.join(world.dir, 'state', name), { force: true });
  let got = await backtest('--from', '-1h');
  assert.equal(got.code, 1);
  assert.match(got.err, /the history in .*ledger\.db cannot be read/);
  assert.ok(!fs.existsSync(ledger), 'it makes none');
  fs.writeFileSync(ledger, 'not a database, but long enough to be taken for one'.repeat(100));
  got = await backtest('--from', '-1h');
  assert.equal(got.code, 1);
  assert.match(got.err, /cannot be read/);
});
