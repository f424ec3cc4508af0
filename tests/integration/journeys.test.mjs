// Every operator's profile against its simulator, by the command a person
// would use.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';

import { dyzurny, probe, probeText, scenario } from '../lib/world.mjs';

const DEPLOYMENTS = ['librus/synergia', 'vulcan/gdansk', 'vulcan/lublin', 'vulcan/kielce', 'helion/dziennik',
  'wizja/sp1', 'wizja/lo2', 'eszkola24/sp7'];

scenario('a journey logs in, views grades and finds its message at every deployment', async (world) => {
  const config = world.configure();
  for (const deployment of DEPLOYMENTS) {
    const { code, out, run } = await probe(config, deployment);
    assert.equal(code, 0, `${deployment}: ${out.slice(0, 3000)}`);
    assert.deepEqual(run.results.map((result) => [result.transaction, result.reason]),
      [['login', 'ok'], ['grades', 'ok'], ['message', 'ok']], deployment);
    for (const result of run.results) assert.ok(result.latency_ms > 0, `${deployment} ${result.transaction}`);
  }
  const state = await world.sim.state();
  for (const [name, operator] of Object.entries(state.operators)) {
    assert.ok(operator.messages_sent >= 1, `${name} got no message`);
    assert.equal(operator.login_failures, 0, name);
  }
});

scenario('the terminal shows a waterfall and a HAR file is written', async (world) => {
  const config = world.configure();
  const har = path.join(world.dir, 'run.har');
  const { code, out } = await probeText(config, 'wizja/sp1', '--har', har);
  assert.equal(code, 0, out);
  for (const word of ['dns', 'wait', 'login', 'grades', 'message', 'ok,', 'trace ']) assert.match(out, new RegExp(word));
  const { log } = JSON.parse(fs.readFileSync(har, 'utf8'));
  assert.equal(log.version, '1.2');
  assert.ok(log.entries.length >= 5);
  for (const entry of log.entries) {
    const { timings } = entry;
    const sum = ['blocked', 'dns', 'connect', 'send', 'wait', 'receive'].reduce((a, key) => a + Math.max(0, timings[key] ?? 0), 0);
    assert.ok(Math.abs(sum - entry.time) < 1, `${entry.request.url}: ${sum} is not ${entry.time}`);
  }
  const password = fs.readFileSync(path.join(world.dir, 'accounts/wizja-sp1-a'), 'utf8').match(/password = (.*)/)[1];
  assert.ok(!fs.readFileSync(har, 'utf8').includes(password));
  assert.ok(!out.includes(password));
});

scenario('a wrong password is the account\'s trouble, not the operator\'s', async (world) => {
  const config = world.configure();
  for (const [deployment, account] of [['librus/synergia', 'librus-a'], ['vulcan/gdansk', 'vulcan-gdansk-a'],
    ['helion/dziennik', 'helion-a'], ['wizja/sp1', 'wizja-sp1-a'], ['eszkola24/sp7', 'eszkola24-a']]) {
    const file = path.join(world.dir, 'accounts', account);
    fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replace(/password = .*/, 'password = zle-haslo'), { mode: 0o600 });
    const { code, run } = await probe(config, deployment);
    assert.equal(code, 1, deployment);
    const reasons = Object.fromEntries(run.results.map((result) => [result.transaction, result.reason]));
    assert.deepEqual(reasons, { login: 'bad_credentials', grades: 'prerequisite_failed', message: 'prerequisite_failed' }, deployment);
  }
});

scenario('what breaks is named: overload, silence, refusal, 503, a lost message', async (world) => {
  const config = world.configure();
  const cases = [
    [['librus', 'http_503'], 'librus/synergia', 'login', 'http_5xx'],
    [['wizja', 'overload_page'], 'wizja/sp1', 'login', 'overload_page'],
    [['wizja', 'reset'], 'wizja/sp1', 'login', 'connection_reset'],
    [['helion', 'refuse'], 'helion/dziennik', 'login', 'connect_refused'],
  ];
  for (const [fault, deployment, transaction, reason] of cases) {
    await world.sim.fault(...fault);
    const { code, run } = await probe(config, deployment);
    await world.sim.clear();
    assert.equal(code, 1, JSON.stringify(fault));
    const result = run.results.find((one) => one.transaction === transaction);
    assert.equal(result.reason, reason, JSON.stringify(fault));
  }
});

scenario('an unknown deployment is a usage error that says what there is', async (world) => {
  const config = world.configure();
  const { code, err } = await dyzurny('probe', '-c', config, 'librus/nowhere');
  assert.equal(code, 2);
  assert.match(err, /librus\/synergia/);
});
