// What is left behind so that nobody argues: HAR files, trace ids, and nothing
// that is nobody's business.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';

import { allMeasured, get, scenario, until } from '../lib/world.mjs';

// ---- HAR 1.2, written from its specification: name -> [type, optional] ----

const is = {
  string: (value) => typeof value === 'string',
  number: (value) => typeof value === 'number',
  integer: (value) => Number.isInteger(value),
  date: (value) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+(Z|[+-]\d\d:\d\d)$/.test(value),
};
const list = (fields) => (value, at) => {
  assert.ok(Array.isArray(value), at);
  value.forEach((one, i) => check(fields, one, `${at}/${i}`));
};
const object = (fields) => (value, at) => check(fields, value, at);
const pair = { name: 'string', value: 'string', 'comment?': 'string' };
const cookie = { name: 'string', value: 'string', 'path?': 'string', 'domain?': 'string' };
const entry = {
  'pageref?': 'string',
  startedDateTime: 'date',
  time: 'number',
  request: object({
    method: 'string', url: 'string', httpVersion: 'string', cookies: list(cookie), headers: list(pair),
    queryString: list(pair), 'postData?': object({}), headersSize: 'integer', bodySize: 'integer', 'comment?': 'string',
  }),
  response: object({
    status: 'integer', statusText: 'string', httpVersion: 'string', cookies: list(cookie), headers: list(pair),
    content: object({ size: 'integer', 'compression?': 'integer', mimeType: 'string', 'text?': 'string' }),
    redirectURL: 'string', headersSize: 'integer', bodySize: 'integer', 'comment?': 'string',
  }),
  cache: object({}),
  timings: object({
    'blocked?': 'number', 'dns?': 'number', 'connect?': 'number', send: 'number', wait: 'number', receive: 'number', 'ssl?': 'number',
  }),
  'serverIPAddress?': 'string',
  'connection?': 'string',
  'comment?': 'string',
};
const har = {
  version: 'string',
  creator: object({ name: 'string', version: 'string' }),
  'browser?': object({ name: 'string', version: 'string' }),
  'pages?': list({
    startedDateTime: 'date', id: 'string', title: 'string',
    pageTimings: object({ 'onContentLoad?': 'number', 'onLoad?': 'number' }), 'comment?': 'string',
  }),
  entries: list(entry),
  'comment?': 'string',
};

// Nothing is missing, nothing is of another type, and what the specification
// does not know begins with an underscore.
function check(fields, value, at) {
  assert.equal(typeof value, 'object', at);
  const known = new Set();
  for (const [key, type] of Object.entries(fields)) {
    const name = key.replace('?', '');
    known.add(name);
    if (value[name] === undefined) {
      assert.ok(key.endsWith('?'), `${at}/${name} is missing`);
    } else if (typeof type === 'function') {
      type(value[name], `${at}/${name}`);
    } else {
      assert.ok(is[type](value[name]), `${at}/${name} is no ${type}: ${JSON.stringify(value[name])}`);
    }
  }
  for (const name of Object.keys(value)) {
    assert.ok(known.has(name) || name.startsWith('_'), `${at}/${name} is not of HAR 1.2`);
  }
}

function checkHar(text) {
  const { log } = JSON.parse(text);
  check(har, log, '/log');
  assert.equal(log.version, '1.2');
  assert.ok(log.entries.length > 0);
  const pages = new Set(log.pages.map((page) => page.id));
  for (const one of log.entries) {
    assert.ok(pages.has(one.pageref), one.pageref);
    // ssl is a part of connect; -1 is "does not apply"
    const parts = ['blocked', 'dns', 'connect', 'send', 'wait', 'receive'].map((name) => one.timings[name] ?? -1);
    const sum = parts.filter((ms) => ms >= 0).reduce((a, b) => a + b, 0);
    assert.ok(Math.abs(sum - one.time) < 0.01, `${sum} is not ${one.time}`);
    assert.ok((one.timings.ssl ?? -1) <= (one.timings.connect ?? -1), 'ssl is within connect');
  }
  return log;
}

// ---- what must not be in any file ----

// A secret as it may have got anywhere.
function* guises(secret) {
  yield secret;
  yield encodeURIComponent(secret);
  yield JSON.stringify(secret).slice(1, -1);
  yield secret.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
  for (const lead of ['', 'x', 'xx']) {
    // in the middle of something that is base64: by its whole groups
    const whole = Buffer.from(lead + secret).toString('base64');
    yield whole.slice(lead ? 4 : 0, Math.floor((lead.length + secret.length) / 3) * 4);
  }
}

function files(dir) {
  return fs.readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((one) => one.isFile()).map((one) => path.join(one.parentPath ?? one.path, one.name));
}

// Passwords, and the names of people, who are in all these pages.
function privateWords(dir) {
  return files(path.join(dir, 'accounts')).flatMap((file) => [...fs.readFileSync(file, 'utf8')
    .matchAll(/^(password|name) = (.*)$/gm)].map((found) => found[2]));
}

scenario('the last failed and the last good run of each transaction stay, and say no secret', async (world) => {
  const config = world.configure({ change: (text) => text.replace('runs_kept = 50', 'runs_kept = 1') });
  const daemon = await world.start();
  await allMeasured(world, 1);
  await world.sim.fault('librus', 'http_503', { transaction: 'grades' });
  await world.sim.fault('wizja', 'wrong_password_page', { deployment: 'sp1' });
  const list = async (target) => (await get(`${daemon.url}/api/v1/evidence${target ? `?target=${target}` : ''}`)).json().evidence;
  const [failed] = await until('a failed run is kept', async () => {
    const found = (await list('librus/synergia/grades')).filter((one) => one.kind === 'failed');
    return found.length > 0 && found;
  });
  assert.equal(failed.reason, 'http_5xx');
  const [good] = (await list('librus/synergia/grades')).filter((one) => one.kind === 'good');
  assert.equal(good.reason, 'ok');

  // the file on the disk is the one that is served, and the operator's own
  // people could read it with any HAR viewer
  const name = path.join(world.dir, 'state/evidence/librus/synergia', `grades.http_5xx.${failed.run}.har`);
  const log = checkHar(fs.readFileSync(name, 'utf8'));
  assert.equal(fs.statSync(name).mode & 0o777, 0o640);
  const bad = log.entries.find((one) => one._reason === 'http_5xx');
  assert.equal(bad.response.status, 503);
  assert.equal(bad._trace_id, failed.run);
  assert.match(bad._span_id, /^[0-9a-f]{16}$/);
  assert.match(bad.serverIPAddress, /^127\.0\.0\.1$/);
  const opened = log.entries.find((one) => one._tls.certificate);
  assert.match(opened._tls.version, /^TLSv1\.[23]$/);
  assert.match(opened._tls.cipher, /^\w+/);
  assert.ok(opened._tls.certificate.not_after > Date.now() / 1000);
  assert.match(opened._tls.certificate.hosts, /\w\.\w/);

  const synergia = (await world.status()).operators.find((one) => one.name === 'librus').deployments.find((one) => one.name === 'synergia');
  assert.equal(synergia.certificate_not_after, Math.min(...log.entries.map((one) => one._tls.certificate?.not_after ?? Infinity)));
  assert.match((await get(`${daemon.url}/metrics`)).text, new RegExp(
    `dyzurny_certificate_expiry_timestamp_seconds\\{[^}]*"synergia"[^}]*\\} ${synergia.certificate_not_after}`));

  // also when the ledger has no more of it: only one run is kept there
  await until('the run has left the ledger', async () => (await get(`${daemon.url}/api/v1/runs/${failed.run}`)).status === 404);
  const served = await get(`${daemon.url}${failed.har_url}`);
  assert.equal(served.status, 200);
  assert.deepEqual(JSON.parse(served.text).log, log);
  assert.equal((await get(`${daemon.url}/api/v1/runs/${'f'.repeat(32)}/har`)).status, 404);
  await until('every operator has evidence', async () => {
    const has = new Set((await list('')).map((one) => one.target.split('/')[0]));
    return ['librus', 'vulcan', 'wizja', 'helion', 'eszkola24'].every((operator) => has.has(operator));
  });
  for (const file of files(path.join(world.dir, 'state/evidence'))) checkHar(fs.readFileSync(file, 'utf8'));

  // W3C Trace Context on every request, none used twice
  const { operators } = await world.sim.state();
  for (const [operator, { requests, untraced, repeated_spans: repeated }] of Object.entries(operators)) {
    assert.ok(requests > 0 && untraced === 0 && repeated === 0, `${operator}: ${untraced} and ${repeated} of ${requests}`);
  }

  // a restart finds it again
  await daemon.stop();
  const again = await world.start();
  const found = (await get(`${again.url}/api/v1/evidence?target=librus/synergia/grades`)).json().evidence;
  assert.ok(found.some((one) => one.run === failed.run || one.kind === 'failed'));
  await again.stop();

  // no file of ours holds a password or a person's name, in whatever guise
  const secrets = privateWords(path.dirname(config));
  assert.ok(secrets.length >= 20, `${secrets.length} words`);
  let looked = 0;
  for (const file of [...files(path.join(world.dir, 'state')), path.join(world.dir, 'dyzurny.log')]) {
    const text = fs.readFileSync(file, 'latin1');
    looked += text.length;
    for (const secret of secrets) {
      for (const guise of guises(secret)) {
        assert.ok(guise.length < 5 || !text.includes(guise), `${file} holds ${guise}`);
      }
    }
  }
  assert.ok(looked > 100000);
});
