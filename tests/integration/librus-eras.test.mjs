// Librus as it was in March 2020, by a profile of its own: the same journey
// through other doors.
import assert from 'node:assert/strict';

import { probe, scenario } from '../lib/world.mjs';
import { Browser } from '../sim/browser.mjs';

const of2020 = (text) => text.replace('librus.cfg', 'librus-2020.cfg');

// A folder of the old messages, as the account's owner sees it.
async function folder(sim, name, number) {
  const browser = new Browser(sim, 'librus');
  const oauth = 'https://api.librus.pl/OAuth/Authorization';
  const { user, password } = sim.accounts[name];
  await browser.get(`${oauth}?client_id=46&response_type=code&scope=mydata`);
  await browser.post(`${oauth}?client_id=46`, { action: 'login', login: user, pass: password });
  await browser.get(`${oauth}/Grant?client_id=46`);
  return (await browser.get(`https://synergia.librus.pl/wiadomosci/${number}`)).text;
}

scenario('a journey of 2020 logs in, views grades, finds its message and clears it away', async (world) => {
  const config = world.configure({ change: of2020 });
  const { code, out, run, attempts } = await probe(config, 'librus/synergia');
  assert.equal(code, 0, out.slice(0, 3000));
  assert.deepEqual(run.results.map((result) => [result.transaction, result.reason]),
    [['login', 'ok'], ['grades', 'ok'], ['message', 'ok']]);
  const { librus } = (await world.sim.state()).operators;
  assert.equal(librus.login_failures, 0);
  assert.equal(librus.messages_sent, attempts);
  assert.equal(librus.sessions, 0, 'both accounts have logged out');
  assert.match(await folder(world.sim, 'librus-b', 5), /Brak wiadomości/);
  assert.match(await folder(world.sim, 'librus-a', 6), /Brak wiadomości/);
});

scenario('what fails in 2020 has the same names as today', async (world) => {
  const config = world.configure({ change: of2020 });
  const cases = [
    ['wrong_password_page', 'login', 'bad_credentials'],
    ['account_locked', 'login', 'account_locked'],
    ['captcha', 'login', 'captcha'],
    ['maintenance_redirect', 'grades', 'maintenance_page', { transaction: 'grades' }],
    ['http_503', 'message', 'http_5xx', { transaction: 'message' }],
  ];
  for (const [kind, transaction, reason, more] of cases) {
    await world.sim.fault('librus', kind, more);
    const { code, run } = await probe(config, 'librus/synergia');
    await world.sim.clear();
    assert.equal(code, 1, kind);
    const result = run.results.find((one) => one.transaction === transaction);
    assert.equal(result.reason, reason, kind);
  }
});
