// mobiDziennik as its clients see it: what they ask for, and what they look
// for in the answers, in the words of the pages.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";

import { startSim } from "../lib/sim.mjs";
import { Browser, between, form, unescapeHtml } from "./browser.mjs";

const SP1 = "https://sp1.mobidziennik.pl";
const LO2 = "https://lo2.mobidziennik.pl";
const DEVICE = JSON.stringify({ available: true, platform: "Android" });
let sim;
let count = 0;

before(async () => {
  sim = await startSim({ args: ["--seed", "7"] });
  await sim.capacity("wizja", 100000);
});

beforeEach(async () => {
  await sim.clear();
  await sim.reset();
});

after(async () => {
  assert.equal(await sim.stop(), 0, "the simulator ends cleanly");
});

const mark = () => `znak-${process.pid}-${++count}`;
const browser = () => new Browser(sim, "wizja");

async function wizja(name, { password, at = "/dziennik" } = {}) {
  const b = browser();
  const account = sim.accounts[name];
  const [, school] = name.split("-");
  b.page = await b.post(`https://${school}.mobidziennik.pl${at}`, {
    login: account.user,
    haslo: password ?? account.password,
  });
  return b;
}

async function send(b, more = {}) {
  const nazwa = mark();
  const letter = {
    nazwa,
    tresc: "<p>Dzień dobry</p><p>Do widzenia</p>",
    "odbiorcy[]": sim.accounts["wizja-sp1-b"].id,
    ...more,
  };
  const sent = await b.post(`${SP1}/dziennik/dodajwiadomosc`, letter);
  assert.match(sent.text, />Wiadomość została wysłana\.</);
  return nazwa;
}

/** The rows of a list: [{rel, cells}], cells as they stand in the page. */
const rows = (page) =>
  [...page.text.matchAll(/<tr class="podswietl" rel="([^"]*)">(.*?)<\/tr>/gs)]
    .map(([, rel, row]) => ({
      rel,
      cells: [...row.matchAll(/<td[^>]*>(.*?)<\/td>/gs)].map(([, c]) => c),
    }));

const LONG_TIME = /^\p{L}+, \d{1,2} \p{L}+ \d{4}, godzina \d\d:\d\d:\d\d$/u;
const SHORT_TIME = /^\p{L}{2}, \d{1,2} \p{L}{3}, \d\d:\d\d$/u;

test("one post logs in, by name or by e-mail address", async () => {
  const a = await wizja("wizja-sp1-a");
  assert.equal(a.page.hops, 1);
  for (const part of [/id="wyloguj"/, /Jesteś zalogowany jako/,
    /<body uid="711">/, /<div id="content">/])
    assert.match(a.page.text, part);
  const cookies = a.jar.cookies.map((c) => c.name);
  assert.equal(cookies.filter((name) => name.length > 32).length, 1);
  assert.equal(cookies.filter((name) => name === "SERVERID").length, 1);
  const { mailbox, password } = sim.accounts["wizja-sp1-b"];
  const b = browser();
  const page = await b.post(`${SP1}/dziennik/`, {
    login: mailbox,
    haslo: password,
  });
  assert.match(page.text, /id="wyloguj"/);
});

test("a page asked for too early is the form, and logs in to that page", async () => {
  const b = browser();
  const deep = `${SP1}/dziennik/sprawdziany`;
  const page = await b.get(deep);
  assert.equal(page.status, 200);
  assert.match(page.text, /<input id="login" name="login" type="text"/);
  assert.match(page.text, /class="zaloguj"/);
  assert.match(page.text, /przypomnij_haslo_email/);
  const action = / action="([^"]*)"/.exec(page.text)[1];
  assert.equal(action, deep);
  const { user, password } = sim.accounts["wizja-sp1-a"];
  const landed = await b.post(action, { login: user, haslo: password });
  assert.equal(landed.url.pathname, "/dziennik/sprawdziany");
  assert.match(landed.text, /<h1>Sprawdziany<\/h1>/);
  const marks = await wizja("wizja-sp1-a", { at: "/dziennik/oceny" });
  assert.match(marks.page.text, /rel="90101"/);
  const missing = await b.get(`${SP1}/dziennik/nie-ma`);
  assert.equal(missing.status, 404);
});

test("refused passwords, lost cookies and the other machine", async () => {
  const bad = await wizja("wizja-sp1-a", { password: "nie" });
  assert.equal(bad.page.status, 200);
  assert.match(bad.page.text, /Podano niepoprawny login i\/lub hasło/);
  const { user, password } = sim.accounts["wizja-lo2-a"];
  const foreign = await browser().post(`${SP1}/dziennik`, {
    login: user,
    haslo: password,
  });
  assert.match(foreign.text, /Podano niepoprawny login/);
  const b = await wizja("wizja-sp1-a");
  const here = b.jar.get("SERVERID");
  const host = "sp1.mobidziennik.pl";
  b.jar.set("SERVERID", here === "web11" ? "web12" : "web11", host);
  const other = await b.get(`${SP1}/dziennik/oceny`);
  assert.match(other.text, /name="haslo"/);
  for (const path of ["odbiorcyWiadomosci", "infoopowiadomieniach"]) {
    const ajax = await b.post(`${SP1}/dziennik/${path}`, { typ: 2 });
    assert.equal(ajax.text, "Nie jestes zalogowany");
  }
  b.jar.set("SERVERID", here, host);
  assert.match((await b.get(`${SP1}/dziennik/oceny`)).text, /id="wyloguj"/);
  const notice = await b.exchange("POST",
    `${SP1}/dziennik/infoopowiadomieniach`, { body: "" });
  assert.equal(notice.text, "");
});

test("each school has its host, and none is told apart", async () => {
  for (const path of ["/dziennik", "/api/zrzutbazy", "/x"]) {
    const nowhere = await browser().get(`https://sp9.mobidziennik.pl${path}`);
    assert.match(nowhere.text, /Uuuups\.\.\. nieprawidłowy adres/);
  }
  const b = await wizja("wizja-sp1-a");
  const cookies = b.jar.cookies.map(({ name, value }) => [name, value]);
  for (const [name, value] of cookies)
    b.jar.set(name, value, "lo2.mobidziennik.pl");
  assert.match((await b.get(`${LO2}/dziennik`)).text, /name="haslo"/);
  const head = await browser().exchange("HEAD", `${SP1}/dziennik`);
  assert.equal(head.status, 200);
  assert.equal(head.bytes.length, 0);
  const root = await browser().exchange("GET", `${SP1}/`);
  assert.equal(root.headers.location, `${SP1}/dziennik`);
});

test("marks stand in a table with a tooltip for each", async () => {
  const b = await wizja("wizja-sp1-a");
  const page = await b.get(`${SP1}/dziennik/oceny?semestr=2`);
  const table = between(page.text, '<table class="spis">', "</table>");
  const subjects = [...table.matchAll(
    /<tr class="naglowek3"><td><div[^>]*>([^<]*)<\/div>/g)].map(([, s]) => s);
  assert.deepEqual(subjects,
    ["Matematyka", "Język polski", "Fizyka", "Przyroda"]);
  // every link of the table is a mark with a numeric id
  const links = [...table.matchAll(/<a [^>]*>/g)].map(([tag]) => tag);
  assert.equal(links.length, 5);
  for (const link of links) assert.match(link, /class="info" rel="\d+"/);
  const one = between(table, 'rel="90102"', "</a>");
  assert.match(one, /^[^<]*<strong[^>]*>4\+<\/strong><sup>/);
  assert.match(table,
    /<span style="background-color:#[0-9a-f]+;">&nbsp;Kartkówka:<\/span>/);
  const tooltip = between(one, "<span>", "</span>");
  for (const label of [
    /Wartość oceny: <strong>4\.50<\/strong>/,
    /Liczona do średniej: <strong>tak/,
    /Waga: <strong>.*?<small>\(3\)<\/small>/,
    /Wpisał\(a\): <strong>Kąt Maria<\/strong>/,
    /Wpisano: <strong>wtorek, 17 marca 2020, godzina 12:00:00<\/strong>/,
    /Średnia ocen: <strong>\d\.\d\d<\/strong>/,
    /Komentarz: <strong>.+?<\/strong>$/,
  ])
    assert.match(tooltip, label);
  assert.match(between(table, 'rel="90105"', "</a>"),
    /Liczona do średniej: <strong>nie<br><\/strong>/);
  const first = await b.get(`${SP1}/dziennik/oceny?semestr=1`);
  assert.match(first.text, /rel="90091"/);
  assert.doesNotMatch(first.text, /rel="90101"/);
});

test("a big school's marks are 300 kB of table that nobody closed well", async () => {
  const b = await wizja("wizja-lo2-a");
  const page = await b.get(`${LO2}/dziennik/oceny`);
  assert.ok(page.bytes.length > 300 * 1024, `${page.bytes.length}`);
  const table = between(page.text, '<table class="spis">', "</table>");
  const number = (pattern) => [...table.matchAll(pattern)].length;
  assert.ok(number(/<tr/g) > number(/<\/tr>/g));
  assert.ok(number(/<td/g) > number(/<\/td>/g));
  assert.match(table, /&cacute;/);
  assert.match(unescapeHtml(table), /"na piątkę"/);
});

test("a message goes from one account to the other", async () => {
  const [a, b] = [await wizja("wizja-sp1-a"), await wizja("wizja-sp1-b")];
  const empty = await b.get(`${SP1}/dziennik/wiadomosci`);
  assert.match(empty.text, /Brak wiadomości odebranych\./);
  const none = await a.get(`${SP1}/dziennik/wiadomosciwyslane`);
  assert.match(none.text, /Brak wiadomości wysłanych\./);
  const nazwa = await send(a);
  const list = `${SP1}/dziennik/wiadomosci/` +
    "?sortuj_wg=otrzymano&sortuj_typ=desc&odebrane=1";
  const [row] = rows(await b.get(list));
  assert.match(row.rel, /^\d{6}$/);
  assert.equal(row.cells[0], nazwa);
  assert.equal(row.cells[3], "Gęś Anna <small>(rodzic)</small>");
  assert.match(row.cells[4], SHORT_TIME);
  assert.match(row.cells[5], />Nie</);
  assert.match(row.cells[6],
    new RegExp(`^<input name="skasuj_odebrane\\[\\]" rel="${row.rel}"`));

  const read = await b.get(`${SP1}/dziennik/wiadodebrana/?id=${row.rel}`);
  const content = between(read.text, '<div id="content">', '<div id="bottom">');
  assert.match(content, new RegExp(`<h1>${nazwa}</h1>`));
  const text = between(content, '<div class="wiadomosc_tresc">', "</div></div>");
  assert.match(text, /^<p>Dzień dobry<\/p><p>Do widzenia<\/p><div/);
  const [sender, sent, seen] = text.slice(text.lastIndexOf(">nadawca") + 1)
    .split("<br />");
  assert.equal(sender, "nadawca: Gęś Anna (rodzic)");
  assert.match(sent.replace("czas wysłania: ", ""), LONG_TIME);
  assert.match(seen.replace("czas przeczytania: ", ""), LONG_TIME);

  const [again] = rows(await b.get(list));
  assert.match(again.cells[5], /class="wiadomosc_przeczytana">Tak</);
  const [mine] = rows(await a.get(`${SP1}/dziennik/wiadomosciwyslane`));
  assert.equal(mine.cells[0], nazwa);
  assert.match(mine.cells[2], /<a [^>]*><span>Żuraw Piotr<\/span><\/a>/);
  assert.match(mine.cells[3], SHORT_TIME);
  assert.equal(mine.cells[4], "1/1");
  const opened = await a.get(`${SP1}/dziennik/wiadwyslana/?id=${mine.rel}`);
  const cells = between(opened.text, "<tr><td>1</td>", "</tr>");
  const [, to, , , yes, small] = `<td></td>${cells}`.split("</td>")
    .map((cell) => cell.replace("<td>", ""));
  assert.equal(to, "Żuraw Piotr");
  assert.equal(yes, "tak");
  assert.match(small.replace(/<\/?small>/g, ""), LONG_TIME);
});

test("the search finds sent and received ones", async () => {
  const [a, b] = [await wizja("wizja-sp1-a"), await wizja("wizja-sp1-b")];
  const nazwa = await send(a);
  const other = await send(a);
  const search = async (one, q) =>
    rows(await one.get(`${SP1}/dziennik/wyszukiwarkawiadomosci?q=${q}`));
  const [sent, ...rest] = await search(a, nazwa);
  assert.deepEqual(rest, []);
  assert.match(sent.rel, /^wiadwyslana\?id=\d+$/);
  assert.equal(sent.cells[0], `<div class="ellipsis">${nazwa}</div>`);
  assert.match(sent.cells[1], /^\d{4}-\d\d-\d\d \d\d:\d\d$/);
  assert.match(sent.cells[2], /mail_send\.png/);
  assert.equal(sent.cells[3], '<div class="autoTooltip">Żuraw Piotr</div>');
  const all = await search(b, "+");
  assert.deepEqual(
    all.map((row) => /<div[^>]*>([^<]*)/.exec(row.cells[0])[1]),
    [other, nazwa],
  );
  assert.match(all[0].rel, /^wiadodebrana\?id=\d+$/);
  assert.doesNotMatch(all[0].cells[2], /mail_send\.png/);
});

test("recipients come as one line of JSON, and as labels", async () => {
  const a = await wizja("wizja-sp1-a");
  const people = [
    { id: "2_41", nazwa: "Gęś Anna" },
    { id: "2_42", nazwa: "Żuraw Piotr" },
  ];
  const mobile = await a.get(`${SP1}/mobile/dodajwiadomosc`);
  const groups = JSON.parse(/odbiorcy: (\[.+?\]),$/m.exec(mobile.text)[1]);
  assert.deepEqual(groups, [
    { typ: 2, nazwa: "Nauczyciele", dane: people },
    { typ: 4, nazwa: "Uczniowie",
      dane: [{ lista: true, nazwa: "5b", dane: people }] },
  ]);
  for (const more of [{}, { wiadomosci: true }]) {
    const labels = await a.post(`${SP1}/dziennik/odbiorcyWiadomosci`,
      { typ: 4, odpowiedz: 0, ...more });
    const found = [...labels.text.matchAll(
      /<label class="label1">.*?name="odbiorcy\[\]" value="([^"]*)".*?<span class="nazwa-uzytkownika">([^<]*)</g)];
    assert.deepEqual(found.map(([, id, nazwa]) => ({ id, nazwa })), people);
  }
});

test("both forms of a message are taken, and what lacks a recipient is not", async () => {
  const a = await wizja("wizja-sp1-a");
  await send(a);
  await send(a, { widok_odbiorcow: 1, typodbiorcow: 2, file: "" });
  const two = new URLSearchParams(form({ nazwa: mark(), tresc: "x" }));
  two.append("odbiorcy[]", "2_41");
  two.append("odbiorcy[]", "2_42");
  const both = await a.go("POST", `${SP1}/dziennik/dodajwiadomosc`,
    { body: two.toString() });
  assert.match(both.text, />Wiadomość została wysłana\.</);
  assert.equal(rows(await a.get(`${SP1}/dziennik/wiadomosci`)).length, 1);
  for (const wrong of [{ "odbiorcy[]": "2_99" }, { nazwa: "" }]) {
    const page = await a.post(`${SP1}/dziennik/dodajwiadomosc`,
      { nazwa: "x", tresc: "y", "odbiorcy[]": "2_42", ...wrong });
    assert.doesNotMatch(page.text, /została wysłana/);
  }
  const lost = await browser().post(`${SP1}/dziennik/dodajwiadomosc`,
    { nazwa: "x", tresc: "y", "odbiorcy[]": "2_42" });
  assert.match(lost.text, /przypomnij_haslo_email/);
});

test("a long list has pages", async () => {
  const a = await wizja("wizja-sp1-a");
  for (let i = 0; i < 51; i++) await send(a, { "odbiorcy[]": "2_41" });
  const list = `${SP1}/dziennik/wiadomosci/?odebrane=`;
  const first = await a.get(`${list}1`);
  assert.equal(rows(first).length, 50);
  const pages = between(first.text, '<div class="stronnicowanie">', "</div>");
  assert.equal(pages.match(/<a /g).length, 2);
  assert.equal(rows(await a.get(`${list}2`)).length, 1);
});

test("logout ends the session and shows the form", async () => {
  const a = await wizja("wizja-sp1-a");
  const [name, value] = Object.values(
    a.jar.cookies.find((c) => c.name.length > 32));
  const out = await a.get(`${SP1}/dziennik/wyloguj`);
  assert.equal(out.hops, 1);
  assert.match(out.text, /przypomnij_haslo_email/);
  a.jar.set(name, value, "sp1.mobidziennik.pl");
  assert.match((await a.get(`${SP1}/dziennik/oceny`)).text, /name="haslo"/);
});

test("the text API logs in to the pages and dumps its tables", async () => {
  const { user, password } = sim.accounts["wizja-sp1-a"];
  const order = { wersja: 20, ip: "urzadzenie", login: user, haslo: password,
    token: "t", ta_api: "klucz" };
  const api = (b, more) => b.post(`${SP1}/api/`, { ...order, ...more });
  const b = browser();
  assert.equal((await api(b, { haslo: "nie" })).text, "Nie jestes zalogowany");
  assert.equal((await api(b, { ip: "" })).text, "ifun");
  assert.equal((await b.get(`${SP1}/api/zrzutbazy`)).text,
    "Nie jestes zalogowany");
  assert.equal((await api(b)).text, "ok");
  assert.match((await b.get(`${SP1}/dziennik/oceny`)).text, /id="wyloguj"/);
  const dump = await b.get(`${SP1}/api/zrzutbazy`);
  const tables = dump.text.split("T@B#LA").map((table) =>
    table.split("\n").filter(Boolean).map((row) => row.split("|")));
  const own = tables[0].filter((row) => row[1] !== "*");
  assert.deepEqual(own.map((row) => [row[4], row[5]]), [["Anna", "Gęś"]]);
  assert.equal(tables[8][0][0], "711");
  assert.equal(tables[14][0][4], "Sprawdzian");
  const mark_ = tables[18].find((row) => row[0] === "90101");
  assert.deepEqual([mark_[1], mark_[5], mark_[7], mark_[11]],
    ["711", "2", "5", "5.00"]);
  const subject = tables[4].find((row) => row[0] === mark_[3]);
  assert.equal(subject[1], "Matematyka");
});

test("the phone app logs in at the host of all schools, then at its own", async () => {
  const { mailbox, password } = sim.accounts["wizja-lo2-b"];
  const app = (path, more) => browser().post(`https://mobidziennik.pl${path}`,
    { api2: true, email: mailbox, haslo: password, device: DEVICE, ...more });
  for (const path of ["/logowanie", "/logowanieapp"]) {
    const bad = await app(path, { haslo: "nie" });
    assert.equal(bad.json.error.type, "LOGIN_ERROR");
    const good = await app(path, { hash: true });
    assert.equal(good.json.email, mailbox);
    assert.match(good.json.id_global, /^\d+$/);
    assert.match(good.json.login, /^\d+@\d{4}@lo2$/);
    assert.equal(good.json.sync_url, `${LO2}/api2/logowanie`);
    const sync = (login) => browser().post(good.json.sync_url, {
      login, email: mailbox, haslo: password, haslo_hash: "", page: "login",
      device: DEVICE });
    const user = await sync(good.json.login);
    assert.match(user.json.user.auth_key, /^[0-9a-f]{32}$/);
    const wrong = await sync("1@2019@lo2");
    assert.equal(wrong.json.error.type, "LOGIN_ERROR");
  }
  const page = await browser().get("https://mobidziennik.pl/dziennik");
  assert.match(page.text, /nieprawidłowy adres/);
});

test("a session ends when it was not used for 45 minutes", async () => {
  const b = await wizja("wizja-sp1-a");
  const marks = async () =>
    (await b.get(`${SP1}/dziennik/oceny`)).text.includes("<h1>Oceny</h1>");
  for (let i = 0; i < 2; i++) {
    await sim.forward(44 * 60, "wizja");
    assert.equal(await marks(), true, "each use prolongs it");
  }
  assert.equal((await sim.state()).operators.wizja.sessions, 1);
  await sim.forward(45 * 60 + 1, "wizja");
  assert.equal((await sim.state()).operators.wizja.sessions, 0);
  assert.equal(await marks(), false);
  assert.match((await b.get(`${SP1}/dziennik/oceny`)).text, /name="haslo"/);
});
