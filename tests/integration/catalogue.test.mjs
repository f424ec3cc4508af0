// The failure catalogue: what can go wrong at an operator, where, and what the
// probe must say of it. Each line of the table is ordered at a simulator and
// judged by the real binary; the simulators' own list of symptoms says whether
// a line is missing. The table as found is printed at the end.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';

import { srcdir, writeDemoConfig } from '../lib/daemon.mjs';
import { startSim } from '../lib/sim.mjs';
import { dyzurny, scenario } from '../lib/world.mjs';

const SIDE_BY_SIDE = 4;
const DEPLOYMENTS = {
  librus: 'synergia', vulcan: 'gdansk', wizja: 'sp1', helion: 'dziennik', eszkola24: 'sp7',
};
// Profiles of other years and logins, in the place of their operator's.
const ERAS = ['librus-2020', 'vulcan-dziennik', 'vulcan-eduvulcan'];

// symptom[/variant]   transaction struck   at (part of "METHOD host/path")   reason
const EVERYWHERE = `
  http_503                       login    -  http_5xx
  http_503                       grades   -  http_5xx
  maintenance_page               login    -  maintenance_page
  maintenance_page               grades   -  maintenance_page
  maintenance_page               message  -  maintenance_page
  maintenance_redirect           login    -  maintenance_page
  maintenance_redirect           grades   -  maintenance_page
  maintenance_redirect           message  -  maintenance_page
  too_many_requests              login    -  http_4xx
  waf_page                       login    -  captcha
  waf_page                       message  -  captcha
  feature_off                    grades   -  interstitial
  feature_off                    message  -  interstitial
  not_found                      grades   -  http_4xx
  wrong_password_page            login    -  bad_credentials
  account_locked                 login    -  account_locked
  account_expired                login    -  account_expired
  captcha                        login    -  captcha
  interstitial                   login    -  interstitial
  session_lost_401               grades   -  http_4xx
  session_lost_401               message  -  http_4xx
  session_lost_409               grades   -  http_4xx
  session_lost_409               message  -  http_4xx
  session_lost_redirect          grades   -  http_4xx
  session_lost_redirect          message  -  http_4xx
  session_lost_login_page        grades   -  http_4xx
  session_lost_login_page        message  -  http_4xx
  session_lost                   grades   -  http_4xx
  session_lost                   message  -  http_4xx
  message_lost                   message  -  message_lost
  message_late                   message  -  message_late
  message_twice                  message  -  ok
  hang                           login    -  no_answer
  hang                           grades   -  no_answer
  trickle                        login    -  slow_body
  reset                          login    -  connection_reset
  reset                          grades   -  connection_reset
  truncate                       login    -  connection_reset
  refuse                         login    -  connect_refused
  huge_body                      login    -  too_large
  gzip_bomb                      grades   -  too_large
  redirect_loop                  login    -  redirect_loop
  slow                           grades   -  ok
`;

const TABLE = {
  librus: `
  overload_page                  login    -                                  http_5xx
  overload_page                  login    api.librus.pl/                     maintenance_page
  http_503                       login    api.librus.pl/                     maintenance_page
  http_503                       message  -                                  http_5xx
  maintenance_page/code          message  wiadomosci.librus.pl/api           maintenance_page
  maintenance_redirect/app       login    -                                  maintenance_page
  error_page                     message  POST wiadomosci.librus.pl/api      http_5xx
  error_page/receivers           message  POST wiadomosci.librus.pl/api      http_4xx
  waf_page/block                 login    -                                  captcha
  waf_page/script                message  -                                  captcha
  feature_off/view               grades   -                                  interstitial
  feature_off/scopes             message  wiadomosci.librus.pl/api           interstitial
  wrong_address                  login    -                                  http_4xx
  changed_flow                   login    -                                  unknown_page
  changed_flow                   login    POST api.librus.pl/                unknown_page
  changed_flow/no_goto           login    POST api.librus.pl/                extract_failed
  changed_flow/elsewhere         login    -                                  unknown_page
  wrong_password_page/status     login    -                                  bad_credentials
  wrong_password_page/escaped    login    -                                  bad_credentials
  captcha/page                   login    -                                  captcha
  captcha/hcaptcha               login    -                                  captcha
  interstitial                   grades   -                                  interstitial
  interstitial/portal            login    -                                  interstitial
  session_lost_401               message  POST wiadomosci.librus.pl/api      http_4xx
  session_lost_409               message  wiadomosci.librus.pl/api/inbox     http_4xx
  session_lost_redirect          message  POST wiadomosci.librus.pl/api      http_4xx
  session_lost_redirect          message  wiadomosci.librus.pl/api/inbox     http_4xx
  session_lost_login_page        message  POST wiadomosci.librus.pl/api      http_4xx
  session_lost_login_page        message  wiadomosci.librus.pl/api/inbox     http_4xx
  session_lost_login_page/stop   grades   -                                  http_4xx
  session_lost_login_page/denied  message  -                                 http_4xx
  session_lost_login_page/portal  grades   -                                 http_4xx
  session_lost                   message  wiadomosci.librus.pl/api/inbox     http_4xx
  hang                           message  wiadomosci.librus.pl/api/inbox     no_answer
  `,
  vulcan: `
  overload_page                  login    -                                  http_5xx
  overload_page/front_door       login    -                                  overload_page
  http_503                       message  uonetplus-uzytkownik               http_5xx
  maintenance_page/front_door    login    -                                  maintenance_page
  maintenance_page/message_text  grades   -                                  maintenance_page
  maintenance_page/container     grades   -                                  maintenance_page
  maintenance_page/switched_off  message  -                                  maintenance_page
  error_page                     grades   -                                  http_5xx
  error_page/federation          login    -                                  http_5xx
  error_page/plain               message  -                                  http_5xx
  error_page/database            grades   Oceny.mvc                          http_5xx
  error_page/inconsistent        grades   Oceny.mvc                          http_5xx
  error_page/business            message  InsertWiadomosc                    http_5xx
  waf_page/block                 login    -                                  captcha
  waf_page/challenge             grades   -                                  captcha
  waf_page/nameless              login    -                                  captcha
  feature_off                    grades   Oceny.mvc                          interstitial
  wrong_address                  login    -                                  unknown_page
  wrong_address/grouping         login    -                                  unknown_page
  changed_flow                   login    -                                  extract_failed
  changed_flow/no_token          grades   -                                  extract_failed
  account_expired/unregistered   login    -                                  account_expired
  account_expired/inactive       login    -                                  account_expired
  account_expired/powerless      login    -                                  account_expired
  interstitial/email             login    -                                  interstitial
  session_lost_401               message  InsertWiadomosc                    http_4xx
  session_lost_409               message  GetWiadomosciOdebrane              http_4xx
  session_lost_redirect          grades   Oceny.mvc                          http_4xx
  session_lost_redirect          message  InsertWiadomosc                    http_4xx
  session_lost_redirect          message  GetWiadomosciOdebrane              http_4xx
  session_lost_login_page        grades   Oceny.mvc                          http_4xx
  session_lost_login_page        message  GetWiadomosciOdebrane              http_4xx
  session_lost_login_page/front  grades   -                                  http_4xx
  session_lost_login_page/feedback  grades   Oceny.mvc                       http_4xx
  session_lost_login_page/forgery  message  InsertWiadomosc                  http_4xx
  session_lost_login_page/module  grades   Oceny.mvc                         http_4xx
  session_lost                   grades   Oceny.mvc                          http_4xx
  session_lost                   message  GetWiadomosciOdebrane              http_4xx
  hang                           message  GetWiadomosciOdebrane              no_answer
  `,
  wizja: `
  overload_page                  login    -                                  overload_page
  overload_page                  grades   -                                  overload_page
  overload_page/apology          message  -                                  overload_page
  http_503                       message  -                                  http_5xx
  maintenance_page/works         login    -                                  maintenance_page
  maintenance_page/break         grades   -                                  maintenance_page
  maintenance_page               message  GET                                maintenance_page
  error_page                     grades   -                                  http_5xx
  waf_page/device                login    -                                  captcha
  wrong_address                  login    -                                  unknown_page
  changed_flow                   login    -                                  unknown_page
  wrong_password_page/app        login    -                                  bad_credentials
  interstitial                   grades   -                                  interstitial
  interstitial/archive           login    -                                  interstitial
  session_lost_401               message  GET                                http_4xx
  session_lost_redirect          message  GET                                http_4xx
  session_lost_login_page        message  GET                                http_4xx
  session_lost_login_page/text   grades   -                                  http_4xx
  session_lost_login_page/text   message  GET                                http_4xx
  session_lost                   message  GET                                http_4xx
  hang                           message  GET                                no_answer
  `,
  helion: `
  overload_page                  login    -                                  http_5xx
  http_503                       message  -                                  http_5xx
  error_page                     login    -                                  http_5xx
  error_page/service             message  -                                  http_5xx
  wrong_address                  login    -                                  http_4xx
  changed_flow                   login    -                                  extract_failed
  maintenance_page               message  PobierzOdebrane                    maintenance_page
  session_lost_401               message  PobierzOdebrane                    http_4xx
  session_lost_redirect          message  PobierzOdebrane                    http_4xx
  session_lost_login_page        message  PobierzOdebrane                    http_4xx
  session_lost                   message  PobierzOdebrane                    http_4xx
  hang                           message  PobierzOdebrane                    no_answer
  `,
  eszkola24: `
  overload_page                  login    -                                  overload_page
  http_503                       message  -                                  http_5xx
  error_page                     grades   -                                  http_5xx
  error_page/fatal               login    -                                  http_5xx
  wrong_address                  login    -                                  http_4xx
  changed_flow                   login    -                                  extract_failed
  maintenance_page               message  odebrane                           maintenance_page
  session_lost_409               message  odebrane                           http_4xx
  session_lost_redirect          message  odebrane                           http_4xx
  session_lost_login_page        message  odebrane                           http_4xx
  session_lost                   message  odebrane                           http_4xx
  hang                           message  odebrane                           no_answer
  `,
  'librus-2020': `
  wrong_password_page/status     login    -                                  bad_credentials
  wrong_password_page/escaped    login    -                                  bad_credentials
  captcha/page                   login    -                                  captcha
  interstitial/portal            login    -                                  interstitial
  feature_off/view               grades   -                                  interstitial
  session_lost_login_page/stop   grades   -                                  http_4xx
  session_lost_login_page/denied  message  -                                 http_4xx
  error_page                     message  POST synergia.librus.pl/wiadomosci/5  http_5xx
  `,
  'vulcan-dziennik': `
  maintenance_page/message_text  grades   -                                  maintenance_page
  maintenance_page/container     grades   -                                  maintenance_page
  maintenance_page/switched_off  message  -                                  maintenance_page
  error_page                     grades   -                                  http_5xx
  waf_page/block                 login    -                                  captcha
  changed_flow                   login    -                                  extract_failed
  account_expired/powerless      login    -                                  account_expired
  interstitial/email             login    -                                  interstitial
  `,
  'vulcan-eduvulcan': `
  maintenance_page/message_text  grades   -                                  maintenance_page
  maintenance_page/container     grades   -                                  maintenance_page
  maintenance_page/switched_off  message  -                                  maintenance_page
  error_page                     grades   -                                  http_5xx
  waf_page/block                 login    -                                  captcha
  changed_flow                   login    -                                  unknown_page
  interstitial                   login    -                                  interstitial
  interstitial/email             login    -                                  interstitial
  `,
};

// What is said at doors that no profile goes through: the tokens' address, the
// portal and the XML module of Librus, the ADFS of a city.
const ELSEWHERE = {
  librus: ['wrong_password_page/grant', 'wrong_password_page/portal', 'wrong_password_page/portal_email',
    'wrong_password_page/module', 'account_expired/password', 'captcha/grant', 'captcha/portal', 'captcha/portal_json',
    'interstitial/rules', 'maintenance_page/module', 'error_page/module', 'session_lost_login_page/module',
    'session_lost_login_page/module_denied'],
  vulcan: ['wrong_password_page/adfs', 'wrong_password_page/adfs_microsoft'],
};

function readTable(profile, text) {
  const [operator] = profile.split('-');
  return text.trim().split('\n').map((line) => {
    const [symptom, transaction, at, reason] = line.trim().split(/ {2,}/);
    const [kind, variant] = symptom.split('/');
    return { profile, operator, kind, variant, transaction, at: at === '-' ? undefined : at, reason };
  });
}

// What the wire does is the same for every profile. The login of 2020 begins at
// api.librus.pl, where each 503 means a break; consents are eduVULCAN's.
const ON_THE_WIRE = ['hang', 'trickle', 'reset', 'truncate', 'refuse', 'huge_body', 'gzip_bomb', 'redirect_loop', 'slow'];
const CONSENTS = ['vulcan', 'vulcan-dziennik'];
const inEra = (row) => (row.profile === 'librus-2020' && row.kind === 'http_503' && row.transaction === 'login'
  ? { ...row, reason: 'maintenance_page' } : row);

const ROWS = Object.keys(TABLE).flatMap((profile) => [
  ...readTable(profile, EVERYWHERE)
    .filter((row) => !(ERAS.includes(profile) && ON_THE_WIRE.includes(row.kind)))
    .filter((row) => !(CONSENTS.includes(profile) && row.kind === 'interstitial'))
    .map(inEra),
  ...readTable(profile, TABLE[profile])]);

const IMPATIENT = ['hang', 'trickle', 'message_lost', 'message_late'];
const SECONDS = { login: '2s', grades: '2s', message: '4s' };

// The same profiles with little patience for one transaction.
function shortProfiles(dir, transaction) {
  fs.mkdirSync(dir);
  for (const profile of [...Object.keys(DEPLOYMENTS), ...ERAS]) {
    const text = fs.readFileSync(path.join(srcdir, 'conf/profiles', `${profile}.cfg`), 'utf8');
    let short;
    if (transaction === 'message') {
      // only from the step that is to fail: what comes before has its time
      short = text.replace(/^ {8}name = "arrive";/m, `$&\n        timeout = "${SECONDS.message}";`)
        .replace(/every = "2s";/g, 'every = "200ms";').replace(/late = "[^"]*";/g, 'late = "500ms";')
        .replace(/at_most = "60s";/, `at_most = "${SECONDS.message}";`);
    } else {
      // its first step is the one that is to fail
      short = text.replace(new RegExp(`(name = "${transaction}";\\s+title = "[^"]*";\\s+timeout = ")[^"]*`),
        `$1${SECONDS[transaction]}`);
    }
    assert.notEqual(short, text);
    fs.writeFileSync(path.join(dir, `${profile}.cfg`), short);
  }
}

function configure(dir, simPorts, name, profiles = path.join(srcdir, 'conf/profiles')) {
  const own = path.join(dir, name);
  fs.mkdirSync(own);
  fs.cpSync(path.join(dir, 'accounts'), path.join(own, 'accounts'), { recursive: true });
  fs.copyFileSync(path.join(dir, 'ca.pem'), path.join(own, 'ca.pem'));
  const config = writeDemoConfig({
    state: own,
    port: 0,
    hookPort: 1,
    secret: 'whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz',
    simPorts,
    change: (text) => text.replaceAll(path.join(srcdir, 'conf/profiles'), profiles),
  });
  for (const era of ERAS) {
    const [operator] = era.split('-');
    fs.writeFileSync(path.join(own, `${era}.cfg`), fs.readFileSync(config, 'utf8')
      .replace(`/${operator}.cfg"`, `/${era}.cfg"`));
  }
  return own;
}

// One bench: simulators of its own, so that faults of others do not reach it.
async function newBench(dir, profiles) {
  fs.mkdirSync(dir);
  const sim = await startSim({ dir });
  for (const operator of Object.keys(DEPLOYMENTS)) await sim.capacity(operator, 100000);
  const configs = { usual: configure(dir, sim.ports, 'usual') };
  for (const [transaction, where] of Object.entries(profiles)) {
    configs[transaction] = configure(dir, sim.ports, transaction, where);
  }
  return { sim, configs };
}

// A machine that is busy with other things makes a result tainted, which is no
// verdict: then once more, if it is the one in question.
async function verdict(config, deployment, transaction) {
  for (let i = 0; ; i += 1) {
    const { out, err } = await dyzurny('probe', '-c', config, deployment, '--json');
    assert.ok(out.startsWith('{'), `${deployment}: ${out.slice(0, 500)} ${err}`);
    const run = JSON.parse(out);
    const result = run.results.find((one) => one.transaction === transaction);
    if (i === 19 || result.reason !== 'tainted') return run;
  }
}

// What stops an account: nothing more is asked with it in the same run.
const STOPS = ['bad_credentials', 'account_locked', 'account_expired', 'captcha'];

// What may be found in each transaction: the one struck has its reason, those
// after a failed login are not tried, nor those after what stops the account,
// and a lost session may be missed later.
function allowed(row, transaction) {
  if (transaction === row.transaction) return [row.reason];
  if (row.transaction === 'login' && row.reason !== 'ok') return ['prerequisite_failed'];
  if (row.transaction === 'grades' && transaction === 'message' && STOPS.includes(row.reason)) return ['prerequisite_failed'];
  if (row.kind.startsWith('session_lost') && transaction === 'message') return ['ok', 'tainted', 'http_4xx'];
  return ['ok', 'tainted'];
}

async function judge(bench, row) {
  const { profile, operator, kind, variant, transaction, at } = row;
  const everywhere = kind === 'refuse';
  await bench.sim.fault(operator, kind, {
    ...(variant && { variant }), ...(at && { at }), ...(!everywhere && { transaction }), delay_ms: kind === 'slow' ? 100 : 1000,
  });
  const config = IMPATIENT.includes(kind) ? bench.configs[transaction] : bench.configs.usual;
  const file = ERAS.includes(profile) ? `${profile}.cfg` : 'dyzurny.cfg';
  const run = await verdict(path.join(config, file), `${operator}/${DEPLOYMENTS[operator]}`, transaction);
  await bench.sim.clear();
  row.found = Object.fromEntries(run.results.map((result) => [result.transaction, result.reason]));
  row.note = run.exchanges.map((exchange) => exchange.note).filter(Boolean).at(0) ?? '';
  row.copies = run.results.find((result) => result.transaction === 'message').copies;
  row.right = (kind !== 'message_twice' || row.copies === 2) && ['login', 'grades', 'message'].every((name) => allowed(row, name).includes(row.found[name]));
}

const title = (row) => [
  row.profile.padEnd(16), (row.variant ? `${row.kind}/${row.variant}` : row.kind).padEnd(38),
  row.transaction.padEnd(7), (row.at ?? '').padEnd(31),
].join(' ');

// For work on some lines only: CATALOGUE_ONLY='^wizja .* session'.
const only = process.env.CATALOGUE_ONLY ? new RegExp(process.env.CATALOGUE_ONLY) : undefined;

scenario('every symptom of every operator is diagnosed by its right name', async (world) => {
  const profiles = {};
  for (const transaction of Object.keys(SECONDS)) {
    profiles[transaction] = path.join(world.dir, `profiles-${transaction}`);
    shortProfiles(profiles[transaction], transaction);
  }
  const benches = [];
  try {
    for (let i = 0; i < SIDE_BY_SIDE; i += 1) {
      benches.push(await newBench(path.join(world.dir, `bench${i}`), profiles));
    }
    const { body: catalogue } = await benches[0].sim.order('GET', '/catalogue');
    const queue = ROWS.filter((row) => !only || only.test(title(row)));
    const rows = [...queue];
    await Promise.all(benches.map(async (bench) => {
      for (let row = queue.shift(); row; row = queue.shift()) await judge(bench, row);
    }));
    // Beside four others a run may have lost what patience it was left.
    for (const row of rows.filter((one) => !one.right)) {
      world.t.diagnostic(`once more, alone: ${title(row)} ${JSON.stringify(row.found)}`);
      await judge(benches[0], row);
    }
    for (const row of rows) {
      world.t.diagnostic(`${row.right ? '  ' : '! '}${title(row)} ${row.found[row.transaction]}`);
    }
    const wrong = rows.filter((row) => !row.right);
    assert.deepEqual(wrong.map((row) => `${title(row)} ${row.reason}, found ${JSON.stringify(row.found)} ${row.copies ?? ''} ${row.note}`), []);
    if (!only) everySymptomIsThere(catalogue);
  } finally {
    for (const bench of benches) await bench.sim.stop();
  }
}, { sim: false });

// What the simulators can show and the table has no line for.
function everySymptomIsThere(catalogue) {
  const missing = [];
  const has = (operator, kind, variant) => ELSEWHERE[operator]?.includes(`${kind}/${variant}`)
    || ROWS.some((row) => row.operator === operator && row.kind === kind && row.variant === variant);
  for (const [operator, kinds] of Object.entries(catalogue)) {
    for (const [kind, variants] of Object.entries(kinds)) {
      for (const variant of [undefined, ...variants]) {
        if (!has(operator, kind, variant)) missing.push(`${operator} ${kind} ${variant ?? ''}`);
      }
    }
  }
  assert.deepEqual(missing, []);
}
