// Vulcan's logins of today by their profiles: a proof of work, federation by
// automatic forms, messages deleted on both sides; and what breaks is named.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';

import { probe, scenario } from '../lib/world.mjs';

const ERAS = ['vulcan-eduvulcan', 'vulcan-dziennik'];
const ERASES = /^(delete|erase|bin)-/;

const configure = (world, era) => world.configure({
  change: (text) => text.replace('/vulcan.cfg', `/${era}.cfg`),
});

const reasons = (run) => Object.fromEntries(run.results.map((result) => [result.transaction, result.reason]));

const WELL = { login: 'ok', grades: 'ok', message: 'ok' };

// Changes a line of an account's file; gives what changes it back.
function inAccount(world, account, key, text) {
  const file = path.join(world.dir, 'accounts', account);
  const old = fs.readFileSync(file, 'utf8');
  fs.writeFileSync(file, old.replace(new RegExp(`^${key} = .*`, 'm'), `${key} = ${text}`), { mode: 0o600 });
  return () => fs.writeFileSync(file, old, { mode: 0o600 });
}

for (const era of ['vulcan', ...ERAS]) {
  scenario(`${era}: a journey logs in, views grades and finds its message`, async (world) => {
    const config = configure(world, era);
    for (const symbol of ['gdansk', 'lublin']) {
      const { code, out, run } = await probe(config, `vulcan/${symbol}`);
      assert.equal(code, 0, out.slice(0, 3000));
      assert.deepEqual(reasons(run), WELL, symbol);
      const cleaning = run.exchanges.filter((exchange) => !(exchange.transaction in WELL));
      const erasing = cleaning.filter((exchange) => ERASES.test(exchange.step));
      assert.equal(erasing.length, 4, 'the message is deleted on both sides, and from the bins');
      for (const exchange of erasing) assert.equal(exchange.status, era === 'vulcan' ? 200 : 204, exchange.step);
      for (const exchange of cleaning) assert.equal(exchange.note, '', exchange.step);
    }
    const { vulcan } = (await world.sim.state()).operators;
    assert.equal(vulcan.login_failures, 0);
    assert.ok(vulcan.logins >= 4);
  });
}

for (const era of ERAS) {
  scenario(`${era}: what breaks at one symbol is named, and breaks there only`, async (world) => {
    const config = configure(world, era);
    const restore = inAccount(world, 'vulcan-gdansk-a', 'password', 'zle-haslo');
    const wrong = await probe(config, 'vulcan/gdansk');
    restore();
    assert.deepEqual(reasons(wrong.run), { login: 'bad_credentials', grades: 'prerequisite_failed', message: 'prerequisite_failed' });
    const cases = [
      [['captcha', {}], 'login', 'captcha'],
      [['account_locked', {}], 'login', 'account_locked'],
      [['http_503', {}], 'login', 'http_5xx'],
      [['maintenance_page', { transaction: 'grades' }], 'grades', 'maintenance_page'],
      [['session_lost', { transaction: 'grades' }], 'grades', 'http_4xx'],
      [['session_lost', { transaction: 'message' }], 'message', 'http_4xx'],
      [['changed_flow', {}], 'login', era === 'vulcan-dziennik' ? 'extract_failed' : 'unknown_page'],
    ];
    for (const [[fault, more], transaction, reason] of cases) {
      await world.sim.clear();
      await world.sim.reset();
      await world.sim.fault('vulcan', fault, { deployment: 'lublin', ...more });
      const { code, run } = await probe(config, 'vulcan/lublin');
      assert.equal(code, 1, fault);
      assert.equal(reasons(run)[transaction], reason, `${fault}: ${JSON.stringify(reasons(run))}`);
    }
    const { run } = await probe(config, 'vulcan/kielce');
    assert.deepEqual(reasons(run), WELL);
    await world.sim.clear();
  });
}

for (const era of ERAS) {
  scenario(`${era}: nobody is written to whose name is only like the recipient's`, async (world) => {
    const config = configure(world, era);
    inAccount(world, 'vulcan-gdansk-b', 'box', 'Mewa Piotr');
    const { run } = await probe(config, 'vulcan/gdansk');
    assert.deepEqual(reasons(run), { ...WELL, message: 'extract_failed' });
    assert.equal((await world.sim.state()).operators.vulcan.messages_sent, 0);
  });
}

scenario('a form is answered with and without a proof of work', async (world) => {
  const config = configure(world, 'vulcan-eduvulcan');
  const profile = fs.readFileSync(config, 'utf8').match(/"([^"]*vulcan-eduvulcan\.cfg)"/)[1];
  // as if the page had no challenge: its attributes are sought by other names
  const own = path.join(world.dir, 'vulcan-eduvulcan.cfg');
  fs.writeFileSync(own, fs.readFileSync(profile, 'utf8').replaceAll('@data-', '@no-'));
  fs.writeFileSync(config, fs.readFileSync(config, 'utf8').replace(profile, own));
  // lublin wants the work, gdansk does not
  assert.equal(reasons((await probe(config, 'vulcan/lublin')).run).login, 'captcha');
  assert.deepEqual(reasons((await probe(config, 'vulcan/gdansk')).run), WELL);
});
