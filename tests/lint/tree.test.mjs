// The rules of the house that a machine can check: layers, one library per
// room, headers that stand alone, banned calls, formatting, complete lists.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

const top = process.env.abs_top_srcdir ?? process.cwd();

const LAYERS = {
  base: 0, loop: 1, model: 1, conf: 2, http: 2, probe: 3, health: 3, series: 3, ledger: 3,
  alert: 4, notify: 4, capacity: 4, sched: 5, web: 5, main: 6,
};
// Neighbours of one layer that may be called: caller → callee.
const ARROWS = new Set(['alert→notify']);
const LIBRARIES = [
  [/^curl\//, 'http'], [/^ares/, 'http'], [/^microhttpd\.h/, 'web'], [/^rrd/, 'series'],
  [/^libconfig\.h/, 'conf'], [/^sqlite3\.h/, 'ledger'], [/^uv\.h/, 'loop'], [/^libxml\//, 'probe'],
  [/^pcre2\.h/, 'probe'], [/^jansson\.h/, 'base'], [/^openssl\/(ssl|err|x509v3)\.h/, 'http'], [/^openssl\//, 'base'],
];
const BANNED = ['sprintf', 'vsprintf', 'strcpy', 'strcat', 'strtok', 'atoi', 'atol', 'gets', 'localtime',
  'gmtime', 'setlocale'];

function files(dir, pattern) {
  return fs.readdirSync(path.join(top, dir), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && pattern.test(entry.name))
    .map((entry) => path.relative(top, path.join(entry.parentPath ?? entry.path, entry.name)))
    .sort();
}

const headers = files('include', /\.h$/);
const sources = files('daemon', /\.[ch]$/);
const read = (file) => fs.readFileSync(path.join(top, file), 'utf8');
const room = (file) => file.split('/')[1];

function includes(file) {
  return [...read(file).matchAll(/^#include\s+([<"])([^>"]+)[>"]/gm)]
    .map(([, kind, name]) => ({ system: kind === '<', name }));
}

// Comments and strings hold words, not calls.
const bare = (text) => text.replace(/\/\*[\s\S]*?\*\//g, ' ').replace(/"(?:\\.|[^"\\])*"/g, '""');

test('an include points to a lower layer, or along an arrow', () => {
  const wrong = [];
  for (const file of [...headers, ...sources]) {
    const from = room(file);
    assert.ok(from in LAYERS, `${file}: room ${from} is in no layer`);
    for (const { system, name } of includes(file)) {
      const to = name.includes('/') ? name.split('/')[0] : from;
      if (system || to === from || name === 'config.h') continue;
      if (!(to in LAYERS)) wrong.push(`${file}: <${name}> is no room of ours`);
      else if (LAYERS[to] >= LAYERS[from] && !ARROWS.has(`${from}→${to}`)) {
        wrong.push(`${file}: ${from} (${LAYERS[from]}) may not include ${name} (${LAYERS[to]})`);
      }
    }
  }
  assert.deepEqual(wrong, []);
});

test('each library is known to one room only', () => {
  const wrong = [];
  for (const file of [...headers, ...sources]) {
    for (const { system, name } of includes(file)) {
      const rule = system && LIBRARIES.find(([pattern]) => pattern.test(name));
      if (rule && (rule[1] !== room(file) || file.startsWith('include/'))) wrong.push(`${file}: <${name}> belongs to daemon/${rule[1]}`);
    }
  }
  assert.deepEqual(wrong, []);
});

test('every header compiles alone and has a guard', () => {
  const wrong = [];
  for (const file of headers) {
    const guard = `${file.slice('include/'.length).replace(/[/.-]/g, '_').toUpperCase()}`;
    if (!read(file).includes(`#ifndef ${guard}\n#define ${guard}\n`)) wrong.push(`${file}: no guard ${guard}`);
    const run = spawnSync(process.env.CC ?? 'cc', ['-std=c11', '-D_GNU_SOURCE', '-Wall', '-Wextra', '-Werror',
      '-fsyntax-only', `-I${path.join(top, 'include')}`, '-x', 'c', '-'],
    { input: `#include "${file.slice('include/'.length)}"\n`, encoding: 'utf8' });
    if (run.status !== 0) wrong.push(`${file}: ${run.stderr.slice(0, 400)}`);
  }
  assert.deepEqual(wrong, []);
});

test('no banned function is called', () => {
  const wrong = [];
  for (const file of sources) {
    for (const [index, line] of bare(read(file)).split('\n').entries()) {
      for (const name of BANNED) {
        if (new RegExp(`(^|[^A-Za-z0-9_>.])${name}\\s*\\(`).test(line)) wrong.push(`${file}:${index + 1}: ${name}`);
      }
    }
  }
  assert.deepEqual(wrong, []);
});

test('tests wait for conditions, never for a duration', () => {
  const wrong = files('tests/unit', /\.c$/).filter((file) => /[^a-z_](sleep|usleep|nanosleep)\s*\(/.test(bare(read(file))));
  assert.deepEqual(wrong, []);
});

test('every source is on its room\'s list', () => {
  const wrong = headers.filter((file) => !read('include/Makefile.inc').includes(file));
  for (const file of sources) {
    if (!read(`daemon/${room(file)}/Makefile.inc`).includes(file)) wrong.push(file);
  }
  for (const file of files('tests/unit', /\.[ch]$/).filter((name) => name.split('/').length > 3)) {
    if (!read(`tests/unit/${file.split('/')[2]}/Makefile.inc`).includes(file)) wrong.push(file);
  }
  assert.deepEqual(wrong, []);
});

test('no file is too long to change safely', () => {
  const wrong = [...sources, ...headers].map((file) => [file, read(file).split('\n').length - 1])
    .filter(([, lines]) => lines > 600).map(([file, lines]) => `${file}: ${lines} lines, find the seam`);
  assert.deepEqual(wrong, []);
});

test('nothing is left over', () => {
  const wrong = [];
  for (const file of [...sources, ...headers, ...files('tests', /\.(c|h|mjs|sh)$/)]) {
    if (file.endsWith('tree.test.mjs')) continue;
    for (const [index, line] of read(file).split('\n').entries()) {
      if (/\b(TODO|FIXME|XXX|HACK)\b|[ \t]$/.test(line)) wrong.push(`${file}:${index + 1}: ${line.trim()}`);
    }
  }
  assert.deepEqual(wrong, []);
});

const formatter = ['clang-format-14', 'clang-format'].find((name) => spawnSync(name, ['--version']).status === 0);

test('the formatter would change nothing', { skip: formatter ? false : 'no clang-format 14 here' }, () => {
  const all = [...sources, ...headers, ...files('tests', /\.[ch]$/)];
  const run = spawnSync(formatter, ['--dry-run', '--Werror', ...all], { cwd: top, encoding: 'utf8', maxBuffer: 1 << 26 });
  assert.equal(run.status, 0, run.stderr?.split('\n').filter((line) => line.includes('error:')).slice(0, 20).join('\n'));
});

const hasMandoc = spawnSync('mandoc', ['-V']).error === undefined;

test('the manual pages are well formed', { skip: hasMandoc ? false : 'no mandoc here' }, () => {
  for (const file of files('conf', /\.[15]$/)) {
    const out = execFileSync('mandoc', ['-T', 'lint', '-W', 'error', path.join(top, file)], { encoding: 'utf8' });
    assert.equal(out, '');
  }
});
