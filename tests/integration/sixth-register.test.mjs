// A register that we do not watch, with a profile written from the manual
// alone: it must work, and its mistakes and failures must explain themselves.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import https from 'node:https';
import path from 'node:path';

import { srcdir } from '../lib/daemon.mjs';
import { HOST, startEdudziennik } from '../lib/edudziennik.mjs';
import { makeCa } from '../lib/sim.mjs';
import { dyzurny, probe, probeText, scenario } from '../lib/world.mjs';

const PROFILE = path.join(srcdir, 'tests/integration/edudziennik.cfg');
const TARGET = 'edudziennik/main';

function writeConfig(dir, port, { email, password }, profile = PROFILE) {
  fs.mkdirSync(path.join(dir, 'accounts'), { recursive: true });
  fs.writeFileSync(path.join(dir, 'accounts/parent'), `user = ${email}\npassword = ${password}\n`, { mode: 0o600 });
  const file = path.join(dir, 'dyzurny.cfg');
  fs.writeFileSync(file, `vantage = "test";
simulated = true;
operators = ( {
  name = "edudziennik"; profile = "${profile}";
  budget = { per_minute = 60; parallel = 1; };
  deployments = ( {
    name = "main"; sender = "parent";
    connect_to = "127.0.0.1:${port}"; ca_file = "ca.pem";
  } );
} );
`);
  return file;
}

// withRegister(name, body): body gets the register and its configuration.
const withRegister = (name, body) => scenario(name, async ({ dir }) => {
  await makeCa(dir);
  const register = await startEdudziennik({ certs: dir });
  try {
    await body(register, writeConfig(dir, register.port, register.account), dir);
  } finally {
    await register.stop();
  }
}, { sim: false });

const verdicts = (run) => Object.fromEntries(run.results.map(({ transaction, reason }) => [transaction, reason]));

// ask(register, dir, method, address, more) -> the status.
const ask = (register, dir, method, address, { headers = {}, body, host = HOST } = {}) => new Promise((resolve, reject) => {
  const request = https.request({
    port: register.port, host: '127.0.0.1', servername: HOST, ca: fs.readFileSync(path.join(dir, 'ca.pem')),
    method, path: address, headers: { Host: host, ...headers }, agent: false,
  }, (response) => { response.resume().on('end', () => resolve(response.statusCode)); });
  request.on('error', reject);
  request.end(body);
});

withRegister('the register asks for host, fields and session', async (register, _config, dir) => {
  const grades = `/Students/${register.account.pupils[0].id}/start/`;
  const headers = { 'Content-Type': 'application/x-www-form-urlencoded' };
  assert.equal(await ask(register, dir, 'GET', '/login/?next=/'), 200);
  assert.equal(await ask(register, dir, 'GET', '/login/?next=/', { host: 'elsewhere.example' }), 421);
  assert.equal(await ask(register, dir, 'GET', '/'), 302);
  assert.equal(await ask(register, dir, 'GET', grades), 403);
  assert.equal(await ask(register, dir, 'GET', grades, { headers: { Cookie: 'sessionid=0' } }), 403);
  const { email, password } = register.account;
  const fields = { email, password, auth_method: 'password', next: '/' };
  const login = (more) => ask(register, dir, 'POST', '/login/?next=/',
    { headers, body: String(new URLSearchParams({ ...fields, ...more })) });
  assert.equal(await login({}), 302);
  assert.equal(await login({ password: 'inne' }), 200);
  assert.equal(await login({ auth_method: '' }), 400);
  assert.equal(await login({ next: '//elsewhere.example/' }), 400);
});

withRegister('a journey logs in and finds the grades', async (register, config) => {
  const checked = await dyzurny('check', '-c', config);
  assert.equal(checked.code, 0, checked.out + checked.err);
  // four requests a minute, the redirects counted
  assert.match(checked.out, /edudziennik +1 +4\.0 +60/);

  register.requests.length = 0;
  const { code, out, run } = await probe(config, TARGET);
  assert.equal(code, 0, out);
  assert.deepEqual(verdicts(run), { login: 'ok', grades: 'ok' });
  for (const result of run.results) assert.ok(result.latency_ms > 0, result.transaction);
  assert.deepEqual(register.requests.slice(-4), ['POST /login/?next=/', 'GET /', 'GET /Students/',
    `GET /Students/${register.account.pupils[0].id}/start/`]);
});

withRegister('a refused password is the account\'s trouble', async (register, _config, dir) => {
  const config = writeConfig(dir, register.port, { email: register.account.email, password: 'inne' });
  const { code, run } = await probe(config, TARGET);
  assert.equal(code, 1);
  assert.deepEqual(verdicts(run), { login: 'bad_credentials', grades: 'prerequisite_failed' });
  assert.ok(register.requests.every((one) => one === 'POST /login/?next=/'), register.requests.join());
});

withRegister('a lost session, limited access and another host each have their name', async (register, config, dir) => {
  register.faults = { pages: 1 };
  assert.deepEqual(verdicts((await probe(config, TARGET)).run), { login: 'ok', grades: 'http_4xx' });
  register.faults = { limited: true };
  assert.deepEqual(verdicts((await probe(config, TARGET)).run), { login: 'ok', grades: 'interstitial' });

  // the certificate is asked for by the profile's host, whoever answers
  register.faults = {};
  const profile = path.join(dir, 'edudziennik.cfg');
  fs.writeFileSync(profile, fs.readFileSync(PROFILE, 'utf8').replaceAll('dziennikel.appspot.com', 'dziennikel.example'));
  const other = writeConfig(dir, register.port, register.account, profile);
  assert.deepEqual(verdicts((await probe(other, TARGET)).run), { login: 'tls_name', grades: 'prerequisite_failed' });
});

withRegister('a changed page says what was sought and what is there', async (register, config) => {
  // [what has changed, verdicts, step, what was sought, what was found]
  const cases = [
    [{ login: 'moved' }, { login: 'unknown_page', grades: 'prerequisite_failed' }, 'password',
      /url contains '\/Student'/, /^title "Xxxxxxxxx"/],
    [{ menu: 'moved' }, { login: 'extract_failed', grades: 'prerequisite_failed' }, 'password',
      /regex .*Students/, /href="\/\w+\//],
    [{ grades: 'moved' }, { login: 'ok', grades: 'unknown_page' }, 'table',
      /xpath .*student_grades/, /href="\/Students\/.*\/Grades\//],
  ];
  for (const [faults, expected, step, sought, found] of cases) {
    register.faults = faults;
    const { run } = await probe(config, TARGET);
    assert.deepEqual(verdicts(run), expected, JSON.stringify(faults));
    const failed = run.exchanges.find((exchange) => exchange.sought);
    assert.equal(failed.step, step);
    assert.match(failed.sought, sought);
    assert.match(failed.excerpt, found);
    assert.doesNotMatch(failed.excerpt, /Wrona|Halina|Olek/);
    const text = await probeText(config, TARGET);
    assert.match(text.out, /sought: .*\n +found: +\S/);
  }
});

withRegister('a mistake in the profile is told with file, line, key and what is allowed', async (register, _config, dir) => {
  const right = fs.readFileSync(PROFILE, 'utf8');
  // [what stands there, the mistake, key, what is said]
  const cases = [
    ['reason = "bad_credentials"', 'reason = "wrong_password"', 'reason', /bad_credentials.*account_locked/],
    ['redirects = 2;', 'redirect = 2;', 'redirect', /redirects/],
    ['post = "https:', 'post = "http:', 'post', /begins with https:/],
    ['contains(@href, ', 'contains(@href = ', 'expect', /contains.* takes 2 arguments/],
    ['"cookie sessionid",', '"cokie sessionid",', 'expect', /status.*cookie/],
  ];
  const profile = path.join(dir, 'edudziennik.cfg');
  const config = writeConfig(dir, register.port, register.account, profile);
  for (const [from, to, key, allowed] of cases) {
    assert.ok(right.includes(from), from);
    fs.writeFileSync(profile, right.replace(from, to));
    const { code, out, err } = await dyzurny('check', '-c', config);
    assert.equal(code, 1, to);
    const line = right.slice(0, right.indexOf(from)).split('\n').length;
    const said = (out + err).split('\n').find((one) => one.startsWith(`${profile}:${line}: `));
    assert.ok(said, `${to}, line ${line}: ${out}${err}`);
    assert.ok(said.includes(key), said);
    assert.match(said, allowed);
  }
});
