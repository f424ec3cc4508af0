// The register of sixth-register.test.mjs: EduDziennik, as far as its public
// clients show it. Written from shared facts, not from the profile.
//
// What is known: the login form's four fields, the one sentence of a refused
// password, a start page with "Student" in its address that links the pupils,
// the cookie sessionid, 403 without a session, 402 for limited access, and the
// table of grades. ASSUMED: how many redirects lead to the start page, its
// address, and all words but the sentence.
import crypto from 'node:crypto';
import fs from 'node:fs';
import https from 'node:https';
import path from 'node:path';

export const HOST = 'dziennikel.appspot.com';
const REFUSED = 'Wprowadzono nieprawidłową nazwę użytkownika lub hasło.';

// An identifier as the register makes them: long, of word characters and "-".
const newId = () => `ag-${crypto.randomBytes(24).toString('base64url')}_x`;

const page = (title, body) => `<!DOCTYPE html>
<html lang="pl"><head><meta charset="utf-8"><title>${title}</title></head>
<body>
${body}
</body></html>
`;

const loginPage = (next, problem = '') => page('Logowanie', `
<form method="post" action="/login/?next=${encodeURIComponent(next)}">
${problem && `<p class="errors">${problem}</p>`}
<input type="text" name="email"><input type="password" name="password">
<input type="hidden" name="auth_method" value="password">
<input type="hidden" name="next" value="${next.replace(/[&"<]/g, (c) => `&#${c.charCodeAt(0)};`)}">
<button>Zaloguj</button></form>`);

const menu = ({ name, pupils }) => `
<span id='user_dn'>${name}</span>
<ul>${pupils.map((pupil) => `<li><a href="/Students/${pupil.id}/start/">${pupil.name}</a></li>`).join('\n')}</ul>`;

function gradesTable(pupil, id) {
  const rows = pupil.subjects.map((subject) => `
<tr id="${subject.id}"><td>${subject.name}</td><td>${subject.grades.map((grade) => `
<a class="grade" data-edited="0" style="background-color: #cfc" href="/Students/${pupil.id}/Grades/${grade.id}/">${grade.value}</a>
<div class="grade-tip"><p>${grade.kind}</p><p>Zając Ewa</p><p>23 marca 2020</p><p>${grade.weight}</p><p>${grade.column}</p></div>`).join('')}
</td><td class="avg-${subject.id}"><span id="avg">${subject.grades.length ? '4.50' : ''}</span>
<div class="grade-tip"><p>${subject.grades.map((grade) => `${grade.weight} * ${grade.value}`).join(' + ')}</p></div></td>
<td class="proposal"></td><td class="final"></td></tr>`);
  return `<table id="${id}"><thead><tr><th>Przedmiot</th><th>Oceny</th></tr></thead><tbody>${rows.join('')}
</tbody></table>`;
}

function newAccount() {
  const grade = (value, weight, kind, column) => ({ id: newId(), value, weight, kind, column });
  return {
    email: 'rodzic@edudziennik.example',
    password: crypto.randomBytes(9).toString('base64'),
    name: 'Halina Wrona',
    pupils: [{
      id: newId(),
      name: 'Olek Wrona',
      subjects: [
        { id: newId(), name: 'Matematyka', grades: [grade(5, 3, 'Sprawdzian', 'S1'), grade(4, 1, 'Kartkówka', 'K1')] },
        { id: newId(), name: 'Muzyka', grades: [] },
      ],
    }],
  };
}

const cookies = (request) => Object.fromEntries((request.headers.cookie ?? '').split('; ').filter(Boolean)
  .map((one) => [one.slice(0, one.indexOf('=')), one.slice(one.indexOf('=') + 1)]));

// What the register answers: { status, headers, text }.
function answer(register, request, body) {
  const html = (status, text) => ({ status, headers: { 'Content-Type': 'text/html; charset=utf-8' }, text });
  const redirect = (to, more = {}) => ({ status: 302, headers: { Location: to, ...more }, text: '' });
  const { faults, account, sessions } = register;
  const url = new URL(request.url, `https://${HOST}`);
  const session = sessions.get(cookies(request).sessionid);

  if (request.headers.host !== HOST || request.socket.servername !== HOST) return html(421, page('?', 'Nie ten serwer'));
  if (url.pathname === '/login/' && request.method === 'GET') return html(200, loginPage(url.searchParams.get('next') ?? '/'));
  if (url.pathname === '/login/' && request.method === 'POST') {
    const fields = new URLSearchParams(body);
    const next = fields.get('next') ?? '';
    if (!/^application\/x-www-form-urlencoded\b/.test(request.headers['content-type'] ?? '')
      || fields.get('auth_method') !== 'password' || !/^\/(?!\/)/.test(next)) return html(400, page('Błąd', 'Złe żądanie'));
    if (faults.login === 'moved') return html(200, loginPage(next));
    if (fields.get('email') !== account.email || fields.get('password') !== account.password) {
      return html(200, loginPage(next, REFUSED));
    }
    const id = crypto.randomBytes(16).toString('hex');
    sessions.set(id, { pages: faults.pages ?? Infinity });
    return redirect(next, { 'Set-Cookie': `sessionid=${id}; Path=/; Secure; HttpOnly` });
  }
  if (request.method !== 'GET') return html(405, page('Błąd', 'Nie tak'));
  if (url.pathname === '/') return session ? redirect('/Students/') : redirect('/login/?next=/');
  if (!session || session.pages <= 0) return html(403, page('Brak dostępu', 'Brak dostępu'));
  session.pages -= 1;
  if (url.pathname === '/Students/') {
    const text = menu(account);
    return html(200, page('Uczniowie', faults.menu === 'moved' ? text.replaceAll('/Students/', '/Pupils/') : text));
  }
  const pupil = account.pupils.find((one) => url.pathname === `/Students/${one.id}/start/`);
  if (!pupil) return html(404, page('Nie ma', 'Nie ma takiej strony'));
  if (faults.limited) return html(402, page('Dostęp ograniczony', 'Dostęp ograniczony'));
  return html(200, page(pupil.name, menu(account) + gradesTable(pupil, faults.grades === 'moved' ? 'pupil_grades' : 'student_grades')));
}

// startEdudziennik({certs}) -> { port, account, requests, faults, stop }.
// certs: a folder of makeCa. requests: "METHOD address", in order. faults may
// be set at any time: pages (how many pages a new session is good for),
// limited (402), login, menu, grades: 'moved' (the page has changed).
export async function startEdudziennik({ certs }) {
  const register = { account: newAccount(), requests: [], faults: {}, sessions: new Map() };
  const server = https.createServer({
    cert: fs.readFileSync(path.join(certs, 'server.pem')),
    key: fs.readFileSync(path.join(certs, 'server.key')),
  }, (request, response) => {
    const parts = [];
    request.on('data', (part) => parts.push(part));
    request.on('end', () => {
      register.requests.push(`${request.method} ${request.url}`);
      const { status, headers, text } = answer(register, request, Buffer.concat(parts).toString('utf8'));
      response.writeHead(status, headers);
      response.end(text);
    });
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  register.port = server.address().port;
  register.stop = () => new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  });
  return register;
}
