// The guard of the accounts: a refused password is refused once.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';

import { dyzurny, get, probeText, scenario, until } from '../lib/world.mjs';

const REFUSED = 'wizja-sp1-b';

// All others go on: three more journeys each.
async function othersGoOn(world, stopped = 'wizja/sp1/login') {
  const runs = async () => Object.fromEntries((await world.transactions())
    .filter((one) => one.target.endsWith('/login')).map((one) => [one.target, one.runs]));
  const before = await runs();
  await until('the others go on', async () => Object.entries(await runs())
    .every(([target, n]) => target === stopped || n >= before[target] + 3), 180);
}

scenario('a refused password stops the account at once, over a restart, until it is released', async (world) => {
  const config = world.configure();
  const file = path.join(world.dir, 'accounts', REFUSED);
  const good = fs.readFileSync(file, 'utf8');
  const refusals = async () => (await world.sim.state()).operators.wizja.login_failures;
  const account = async (...args) => {
    const { code, out, err } = await dyzurny('account', '-c', config, ...args);
    return { code, err, out, line: out.split('\n').find((line) => line.startsWith(`${REFUSED} `)) ?? '' };
  };
  const told = (type) => world.hook.received.filter((message) => message.type === type && message.data.rule === 'account');
  fs.writeFileSync(file, good.replace(/password = .*/, 'password = zle-haslo'));

  // one refusal, and no more
  let daemon = await world.start();
  const [opened] = await until('we are told', () => told('incident.opened').length > 0 && told('incident.opened'), 180);
  assert.equal(opened.problem, undefined);
  assert.deepEqual([opened.data.scope, opened.data.reason, opened.data.side, opened.data.severity],
    ['wizja/sp1/message', 'bad_credentials', 'account', 2]);
  assert.match(opened.data.summary.pl, /konto „wizja-sp1-b” zatrzymane/);
  await othersGoOn(world);
  assert.equal(await refusals(), 1);

  // what is not measured any more is neither up nor down
  const states = async () => (await world.transactions())
    .filter((one) => one.target.startsWith('wizja/sp1/')).map((one) => [one.name, one.state, one.cause?.reason]);
  await until('sp1 is not known', async () => (await states()).every(([, state]) => state === 'unknown'));
  assert.deepEqual(await states(), ['login', 'grades', 'message'].map((name) => [name, 'unknown', 'bad_credentials']));

  // who looks sees it
  assert.match((await account('list')).line, /stopped +bad_credentials .*wizja\/sp1\/message +wizja\/sp1/);
  const { accounts } = (await get(`${daemon.url}/api/v1/accounts`)).json();
  assert.deepEqual(accounts.filter((one) => one.stopped).map((one) => one.name), [REFUSED]);
  const { operators } = await world.status();
  const { deployments } = operators.find((operator) => operator.name === 'wizja');
  assert.deepEqual(deployments.map((one) => one.account_stopped), ['bad_credentials', null]);
  const byTcp = await get(`${daemon.url}/api/v1/accounts/${REFUSED}/release`, { method: 'POST' });
  assert.equal(byTcp.status, 401);
  assert.match(byTcp.json().error.message, /control socket/);
  assert.equal(fs.statSync(path.join(world.dir, 'state/control')).mode & 0o777, 0o600);

  // a restart and a reload keep it, also when the same file is newer
  assert.equal(await daemon.stop(), 0);
  assert.ok(!fs.existsSync(path.join(world.dir, 'state/control')));
  assert.equal((await account('list')).code, 1, 'no daemon answers');
  assert.equal(fs.statSync(path.join(world.dir, 'state/account.key')).mode & 0o777, 0o600);
  fs.utimesSync(file, Date.now() / 1000 + 60, Date.now() / 1000 + 60);
  daemon = await world.start();
  daemon.child.kill('SIGHUP');
  await until('the reload', () => /reloaded/.test(world.log()));
  await othersGoOn(world);
  assert.equal(await refusals(), 1);
  assert.match((await account('list')).line, /stopped .* 20\d\d-\d\d-\d\dT/);

  // a person who is wrong costs one refusal more
  assert.equal((await account('release', 'nobody')).code, 1);
  assert.equal((await account('release', 'Not/A/Name')).code, 2);
  const released = await account('release', REFUSED);
  assert.equal(released.code, 0, released.err);
  await until('it is stopped again', () => told('incident.opened').length === 2, 180);
  assert.equal(told('incident.resolved').length, 1);
  await othersGoOn(world);
  assert.equal(await refusals(), 2);

  // the right password releases it
  fs.writeFileSync(file, good);
  daemon.child.kill('SIGHUP');
  await until('it is over', () => told('incident.resolved').length === 2, 180);
  await until('sp1 finds its message', async () => (await world.transactions())
    .find((one) => one.target === 'wizja/sp1/message').reason === 'ok', 180);
  assert.equal(await refusals(), 2);
  assert.match((await account('list')).line, /in use/);
  const timeline = (await get(`${daemon.url}/api/v1/incidents/${told('incident.opened')[1].data.number}`)).json().timeline;
  assert.ok(timeline.some((entry) => /released_by=credentials/.test(entry.text)));
  const page = (await get(`${daemon.url}/incidents/${told('incident.opened')[1].data.number}?lang=pl`)).text;
  assert.match(page, /konto wizja-sp1-b zatrzymane: /);
  assert.match(page, /konto wizja-sp1-b zwolnione po zmianie danych logowania/);
  assert.ok(!world.log().includes('zle-haslo'));
});

scenario('a person releases an account that a captcha stopped', async (world) => {
  const config = world.configure();
  await world.sim.fault('helion', 'captcha');
  await world.start();
  const [opened] = await until('we are told', () => {
    const all = world.hook.received.filter((message) => message.type === 'incident.opened');
    return all.length > 0 && all;
  }, 180);
  assert.deepEqual([opened.data.operator, opened.data.rule, opened.data.reason], ['helion', 'account', 'captcha']);
  await world.sim.clear();
  await othersGoOn(world, 'helion/dziennik/login');
  assert.equal((await world.sim.state()).operators.helion.login_failures, 1);
  assert.match(opened.data.summary.en, /Log in once with a browser, then release it: dyzurny account -c FILE release helion-a$/);
  const probed = await probeText(config, 'helion/dziennik');
  assert.deepEqual([probed.code, probed.err],
    [0, 'dyzurny: the daemon has stopped helion-a (captcha); this logs in with it all the same\n']);
  const { code, err } = await dyzurny('account', '-c', config, 'release', 'helion-a');
  assert.equal(code, 0, err);
  await until('it logs in again', async () => (await world.transactions())
    .find((one) => one.target === 'helion/dziennik/login').reason === 'ok', 180);
  await until('it is over', () => world.hook.received.some((message) => message.type === 'incident.resolved'), 180);
});
