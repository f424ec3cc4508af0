// The simulated Librus, as its public clients of 2020 and of 2026 use it: the
// logins, the school's data, and one mailbox with three faces.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";

import { startSim } from "../lib/sim.mjs";
import { Browser, between, form, hidden, multipart } from "./browser.mjs";

const SYNERGIA = "https://synergia.librus.pl";
const API = "https://api.librus.pl";
const PORTAL = "https://portal.librus.pl";
const MAIL = "https://wiadomosci.librus.pl";
const OAUTH = `${API}/OAuth/Authorization`;
const BEGIN = `${OAUTH}?client_id=46&response_type=code&scope=mydata`;

let sim;
let count = 0;

before(async () => {
  sim = await startSim({ args: ["--seed", "7"] });
  await sim.capacity("librus", 100000);
});

beforeEach(async () => {
  await sim.clear();
  await sim.reset();
});

after(async () => {
  assert.equal(await sim.stop(), 0, "the simulator ends cleanly");
});

const mark = () => `znak-${process.pid}-${++count}`;
const browser = () => new Browser(sim, "librus");
const base64 = (text) => Buffer.from(text).toString("base64");
const plain = (text) => Buffer.from(text, "base64").toString();

/** The browser with the password given, which began at `begin`. */
async function password(name, begin, encode = form) {
  const b = browser();
  await b.get(begin);
  const { user, password } = sim.accounts[name];
  const body = encode({ action: "login", login: user, pass: password });
  b.answer = await b.exchange(
    "POST",
    `${OAUTH}?client_id=46`,
    typeof body === "string" ? { body } : body,
  );
  assert.equal(b.answer.json.status, "ok");
  return b;
}

async function login(name) {
  const b = await password(name, `${SYNERGIA}/loguj/portalRodzina`);
  const end = await b.get(API + b.answer.json.goTo);
  assert.match(end.text, /jesteś zalogowany/);
  return b;
}

// ---- the web login ----

for (const [way, end] of [
  ["straight to Grant", "Grant"],
  ["by the 2FA address it knows", "2FA"],
])
  for (const encode of [form, multipart])
    test(`the login of 2020 goes ${way}, as ${encode.name}`, async () => {
      const b = await password("librus-a", BEGIN, encode);
      const landing = await b.get(`${OAUTH}/${end}?client_id=46`);
      assert.equal(landing.url.hostname, "synergia.librus.pl");
      assert.equal(landing.url.searchParams.get("state"), null);
      assert.match(landing.text, /jesteś zalogowany/);
      for (const name of ["DZIENNIKSID", "SDZIENNIKSID", "oauth_token"])
        assert.ok(b.jar.get(name, "synergia.librus.pl"), name);
      const me = await b.get(`${SYNERGIA}/gateway/api/2.0/Me`);
      assert.equal(me.json.Me.Account.Login, "1000001u");
    });

test("who entered by Synergia must go all the way", async () => {
  const b = await password("librus-a", `${SYNERGIA}/loguj/portalRodzina`);
  const early = await b.get(`${OAUTH}/Grant?client_id=46`);
  assert.match(early.text, /name="pass"/);
  assert.equal(b.jar.get("DZIENNIKSID", "synergia.librus.pl"), undefined);
});

test("a code that was given for a state is no good without it", async () => {
  const b = await password("librus-a", `${SYNERGIA}/loguj/portalRodzina`);
  let at = API + b.answer.json.goTo;
  for (let i = 0; i < 3; i++)
    at = (await b.exchange("GET", at)).headers.location;
  const bare = new URL(at);
  bare.searchParams.delete("state");
  const answer = await b.exchange("GET", bare.href);
  assert.equal(answer.headers.location, `${SYNERGIA}/loguj`);
});

test("the OAuth side shows its form and says where it lives", async () => {
  const b = browser();
  const entry = await b.exchange("GET", BEGIN);
  assert.equal(entry.status, 200);
  assert.match(entry.text, /name="pass"/);
  const home = entry.headers.location;
  assert.match((await b.exchange("GET", home)).text, /name="pass"/);
  assert.equal((await browser().exchange("GET", home)).status, 400);
  const foreign = await b.exchange("GET", BEGIN.replace("46", "47"));
  assert.equal(foreign.status, 400);
});

test("refreshToken makes the old token worthless", async () => {
  const b = await login("librus-a");
  const old = b.jar.get("oauth_token");
  const refreshed = await b.get(`${SYNERGIA}/refreshToken`);
  assert.equal(refreshed.status, 200);
  assert.equal(refreshed.text, "");
  const me = `${SYNERGIA}/gateway/api/2.0/Me`;
  const good = await b.get(me);
  assert.equal(good.status, 200);
  assert.match(good.headers["set-cookie"].join(), /oauth_token=.*Max-Age=600/);
  b.jar.set("oauth_token", old, "synergia.librus.pl");
  assert.equal((await b.get(me)).status, 401);
});

test("oauth_token lives ten minutes, or longer by refreshToken", async () => {
  const b = await login("librus-a");
  const me = async () =>
    (await b.get(`${SYNERGIA}/gateway/api/2.0/Me`)).status;
  for (let i = 0; i < 2; i++) {
    await sim.forward(590, "librus");
    assert.equal(await me(), 200, "each answer renews it");
  }
  await sim.forward(601, "librus");
  assert.equal(await me(), 401);
  assert.equal((await b.get(`${SYNERGIA}/refreshToken`)).status, 200);
  assert.equal(await me(), 200);
  await sim.forward(45 * 60 + 1, "librus");
  const late = await b.get(`${SYNERGIA}/refreshToken`);
  assert.match(late.text, /Brak dostępu/, "the session itself is over");
  assert.equal(await me(), 401);
});

// ---- tokens ----

const BASIC = { Authorization: `Basic ${base64("28:sekret")}` };
const bearer = (token) => ({ headers: { Authorization: `Bearer ${token}` } });
const grant = (b, fields, headers = BASIC) =>
  b.exchange("POST", `${API}/OAuth/Token`, { body: form(fields), headers });
const credentials = (name) => ({
  grant_type: "password",
  username: sim.accounts[name].user,
  password: sim.accounts[name].password,
  librus_long_term_token: "1",
  librus_rules_accepted: "1",
});

test("the password grant of 2020 gives tokens, each good as it should be", async () => {
  const b = browser();
  const first = await grant(b, credentials("librus-b"));
  assert.equal(first.status, 200);
  assert.equal(first.json.expires_in, 86400);
  const me = await b.exchange(
    "GET",
    `${API}/2.0/Me`,
    bearer(first.json.access_token),
  );
  assert.equal(me.json.Me.User.LastName, "Wójcik");
  assert.equal(me.json.Me.User.FirstName, "Piotr");
  const refresh = {
    grant_type: "refresh_token",
    refresh_token: first.json.refresh_token,
  };
  const second = await grant(b, refresh);
  assert.notEqual(second.json.access_token, first.json.access_token);
  assert.equal((await grant(b, refresh)).json.error, "invalid_grant");
  const wrong = await b.exchange("GET", `${API}/2.0/Me`, bearer("0".repeat(32)));
  assert.equal(wrong.status, 401);
  assert.equal(wrong.json.Code, "TokenIsExpired");
  const gateway = await b.exchange(
    "GET",
    `${SYNERGIA}/gateway/api/2.0/Me`,
    bearer(second.json.access_token),
  );
  assert.equal(gateway.status, 401, "the cookie gateway takes no tokens");
});

test("the password grant tells its errors by name", async () => {
  const good = credentials("librus-a");
  const cases = [
    [{ ...good, password: "nie" }, "invalid_grant"],
    [{ grant_type: "password" }, "invalid_request"],
    [{ ...good, librus_rules_accepted: "0" }, "librus_reg_accept_needed"],
    [{ ...good, grant_type: "magic" }, "unsupported_grant_type"],
  ];
  for (const [fields, error] of cases) {
    const answer = await grant(browser(), fields);
    assert.equal(answer.status, 400, error);
    assert.equal(answer.json.error, error);
  }
  const nobody = await grant(browser(), good, {});
  assert.equal(nobody.json.error, "invalid_client");
  const older = { ...good, client_id: "28" };
  assert.equal((await grant(browser(), older, {})).status, 200);
  await sim.fault("librus", "captcha");
  const robot = await grant(browser(), good);
  assert.equal(robot.json.error, "librus_captcha_needed");
});

test("an access token opens the web by AutoLoginToken, once", async () => {
  const b = browser();
  const { access_token } = (await grant(b, credentials("librus-a"))).json;
  const ask = `${API}/2.0/AutoLoginToken`;
  assert.equal((await b.exchange("POST", ask, { body: "" })).status, 401);
  const { Token } = (
    await b.exchange("POST", ask, { body: "", ...bearer(access_token) })
  ).json;
  const door = `${SYNERGIA}/loguj/token/${Token}/przenies/uczen/widok/centrum_powiadomien`;
  const opened = await b.exchange("GET", door);
  assert.match(opened.headers.location, /centrum_powiadomien$/);
  assert.ok(b.jar.get("DZIENNIKSID", "synergia.librus.pl"));
  const landing = await b.get(opened.headers.location);
  assert.match(landing.text, /jesteś zalogowany/);
  const marks = await b.get(`${SYNERGIA}/przegladaj_oceny/uczen`);
  assert.match(marks.text, /Oceny bieżące/);
  const again = await b.exchange("GET", door);
  assert.doesNotMatch(again.headers.location, /centrum_powiadomien$/);
});

// ---- Konto LIBRUS ----

const csrfOf = (page) => /name="csrf-token" content="(\w+)"/.exec(page.text)[1];

async function accountsOf(b, token, version) {
  const list = `${PORTAL}/api/${version}/SynergiaAccounts`;
  const { accounts } = (await b.exchange("GET", list, bearer(token))).json;
  assert.equal(accounts[0].login, "1000001u");
  const fresh = await b.exchange(
    "GET",
    `${list}/fresh/${accounts[0].login}`,
    bearer(token),
  );
  for (const { accessToken } of [accounts[0], fresh.json]) {
    const me = await b.exchange("GET", `${API}/2.0/Me`, bearer(accessToken));
    assert.equal(me.json.Me.Account.Login, "1000001u");
  }
}

const codeOf = (answer, uri) => {
  const { location } = answer.headers;
  assert.ok(location.startsWith(`${uri}?code=`), location);
  return location.slice(`${uri}?code=`.length);
};

const token = (b, code, uri) =>
  b.exchange("POST", `${PORTAL}/oauth2/access_token`, {
    body: form({
      client_id: "aplikacja",
      grant_type: "authorization_code",
      code,
      redirect_uri: uri,
    }),
  });

test("Konto LIBRUS of today: form, code, token, accounts", async () => {
  const b = browser();
  const page = await b.get(`${PORTAL}/konto-librus/redirect/dru`);
  const fields = {
    ...hidden(page.text),
    email: "1000001u@poczta.example",
    password: sim.accounts["librus-a"].password,
  };
  const action = `${PORTAL}/konto-librus/login/action`;
  const headers = { "X-CSRF-TOKEN": csrfOf(page) };
  const refused = await b.post(action, { ...fields, password: "nie" }, headers);
  assert.match(refused.text, /Upewnij się, że nie/);
  const stale = await b.post(action, fields, { "X-CSRF-TOKEN": "0" });
  assert.match(stale.text, /Sesja logowania wygasła/);
  const login = await b.exchange("POST", action, {
    body: form(fields),
    headers,
  });
  const code = codeOf(login, "app://librus");
  const wrong = await token(b, code, "http://localhost/bar");
  assert.equal(wrong.json.hint, "Check the `redirect_uri` parameter");
  const tokens = await token(b, code, "app://librus");
  await accountsOf(b, tokens.json.access_token, "v3");
  const late = await token(b, code, "app://librus");
  assert.equal(late.json.hint, "Authorization code has expired");
  const again = await b.exchange("GET", `${PORTAL}/konto-librus/redirect/dru`);
  codeOf(again, "app://librus");
});

test("Konto LIBRUS of 2020: JSON, and the code by authorize", async () => {
  const b = browser();
  const uri = "http://localhost/bar";
  const entry = `${PORTAL}/oauth2/authorize?client_id=x&response_type=code&redirect_uri=${encodeURIComponent(uri)}`;
  const page = await b.get(entry);
  const send = (password) =>
    b.postJson(
      `${PORTAL}/rodzina/login/action`,
      { email: "1000001u", password },
      { "X-CSRF-TOKEN": csrfOf(page) },
    );
  const refused = await send("nie");
  assert.equal(refused.status, 403);
  assert.equal(refused.json.captchaRequired, false);
  const nobody = await b.exchange("GET", `${PORTAL}/api/v2/SynergiaAccounts`);
  assert.equal(nobody.status, 401);
  assert.equal((await send(sim.accounts["librus-a"].password)).status, 200);
  const code = codeOf(await b.exchange("GET", entry), uri);
  const tokens = await token(b, code, uri);
  await accountsOf(b, tokens.json.access_token, "v2");
  const byCookie = await b.get(`${PORTAL}/api/v2/SynergiaAccounts`);
  assert.equal(byCookie.json.accounts.length, 1);
});

// ---- the school's data ----

test("each mark's subject, category and teacher can be looked up", async () => {
  const b = await login("librus-a");
  const { access_token } = (await grant(b, credentials("librus-a"))).json;
  const sides = [
    (path) => b.get(`${SYNERGIA}/gateway/api/2.0/${path}`),
    (path) => b.exchange("GET", `${API}/2.0/${path}`, bearer(access_token)),
  ];
  for (const get of sides) {
    const { Grades } = (await get("Grades")).json;
    const { Subjects } = (await get("Subjects")).json;
    const { Categories } = (await get("Grades/Categories")).json;
    const { Users } = (await get("Users")).json;
    const shown = Grades.map((g) => [
      Subjects.find((s) => s.Id === g.Subject.Id).Name,
      g.Grade,
      Categories.find((c) => c.Id === g.Category.Id).Name,
      Users.find((u) => u.Id === g.AddedBy.Id).LastName,
    ]);
    assert.equal(shown.length, 7);
    assert.deepEqual(shown[1], ["Matematyka", "4+", "Kartkówka", "Kąt"]);
    assert.deepEqual(shown[6], ["Język polski", "4-", "Dyktando", "Pióro"]);
    assert.deepEqual((await get("Grades/Comments")).json.Comments, []);
    const id = Subjects[1].Id;
    assert.equal((await get(`Subjects/${id}`)).json.Subject.Name, "Język polski");
    const some = await get(`Subjects/${id},${Subjects[0].Id}`);
    assert.equal(some.json.Subjects.length, 2);
    assert.equal((await get("Subjects/1")).status, 404);
    assert.equal((await get("Nic")).json.Code, "NotFound");
  }
});

test("UserInfo is told to its owner only", async () => {
  const b = await login("librus-a");
  const auth = `${SYNERGIA}/gateway/api/2.0/Auth`;
  const { UserIdentifier } = (await b.get(`${auth}/TokenInfo`)).json;
  const mine = await b.get(`${auth}/UserInfo/${UserIdentifier}`);
  assert.equal(mine.status, 200);
  const other = sim.accounts["librus-b"].mailbox;
  const theirs = await b.get(`${auth}/UserInfo/${other}`);
  assert.equal(theirs.status, 403);
  assert.equal(theirs.json.Message, "Insufficient scopes");
});

// ---- marks as HTML ----

const subjectRows = (page) => {
  const table = page.text.split('<table class="decorated stretch">')[2];
  return [...table.matchAll(/<tr class="line[01]">(.*?)<\/tr>/gs)].map(([row]) =>
    [...row.matchAll(/<td[^>]*>(.*?)<\/td>/gs)].map((cell) => cell[1]),
  );
};

test("the page of marks has its columns, and shows what is chosen", async () => {
  const b = await login("librus-a");
  const url = `${SYNERGIA}/przegladaj_oceny/uczen`;
  const all = subjectRows(await b.post(url, { zmiany_logowanie_wszystkie: 1 }));
  assert.equal(all.length, 4);
  for (const cells of all) assert.equal(cells.length, 10);
  const [, subject, first, average] = all[0];
  assert.equal(subject, "Matematyka");
  assert.match(first, /title="Kategoria: Sprawdzian<br>Data: 2019-11-20 \(śr\.\)<br>/);
  assert.equal(average, "3.00");
  assert.equal(all[0][6], "4.81"); // (5 * 5 + 3 * 4.5) / 8
  const week = subjectRows(await b.post(url, { zmiany_logowanie_tydzien: 1 }));
  assert.match(week[0][5], /Brak ocen/);
  assert.match(week[3][5], /szczegoly\/90105/);
  const login_ = subjectRows(await b.post(url, { zmiany_logowanie: 1 }));
  assert.ok(login_.every((cells) => cells[5] === "Brak ocen"));
});

test("one mark has its details", async () => {
  const b = await login("librus-a");
  const url = `${SYNERGIA}/przegladaj_oceny/szczegoly`;
  const page = await b.get(`${url}/90102`);
  const table = between(
    page.text,
    '<table class="decorated medium center">',
    "</table>",
  );
  const rows = [...table.matchAll(/<th[^>]*>(.*?)<\/th><td>(.*?)<\/td>/g)];
  assert.deepEqual(
    rows.map((row) => row[1]),
    ["Ocena", "Kategoria", "Data", "Nauczyciel", "Przedmiot",
      "Licz do średniej", "Waga", "Dodał", "Komentarz"],
  );
  assert.equal(rows[0][2], "4+");
  assert.match((await b.get(`${url}/1`)).text, /Nie odnaleziono oceny/);
});

// ---- messages as HTML ----

const idOf = (name) => sim.accounts[name].id;
const number = (page, folder, topic) =>
  new RegExp(`/wiadomosci/1/${folder}/(\\d+)/f0">${topic}<`).exec(page.text)?.[1];

/** What the form of way 2 holds, sent in each encoding a client has. */
const encodings = {
  urlencoded: (letter) => ({ body: form(letter) }),
  multipart,
  "JSON, flat": (letter) => ({
    body: JSON.stringify(letter),
    type: "application/json",
  }),
  "JSON, below form": (letter) => ({
    body: JSON.stringify({
      form: { ...letter, poprzednia: 6, wyslij: "Wy%C5%9Blij" },
    }),
    type: "application/json",
  }),
};

for (const [name, encode] of Object.entries(encodings))
  for (const path of ["wiadomosci/5", "wiadomosci/1/6"])
    test(`${path} sends what comes as ${name}`, async () => {
      const [a, b] = [await login("librus-a"), await login("librus-b")];
      const temat = mark();
      const sent = await a.go("POST", `${SYNERGIA}/${path}`, encode({
        DoKogo: idOf("librus-b"),
        temat,
        tresc: "Zażółć <gęślą>\njaźń",
        poprzednia: "6",
        wyslij: "Wyślij",
      }));
      assert.match(
        sent.text,
        /<div class="container-background"><p>Wiadomość została wysłana\.<\/p>/,
      );
      const id = number(await b.get(`${SYNERGIA}/wiadomosci/5`), 5, temat);
      const read = await b.get(`${SYNERGIA}/wiadomosci/1/5/${id}`);
      assert.match(
        read.text,
        /container-message-content">Zażółć &lt;gęślą&gt;<br \/>\njaźń</,
      );
    });

test("the composer lists kinds of recipients, and the people of one", async () => {
  const a = await login("librus-a");
  const page = await a.get(`${SYNERGIA}/wiadomosci/2/6`);
  const kinds = [...page.text.matchAll(/recipiantTypeRadio"[^>]* value="(\w+)"/g)];
  assert.equal(kinds.length, 8);
  const chosen = await a.postJson(`${SYNERGIA}/wiadomosci/2/5`, {
    form: { adresat: "nauczyciel" },
  });
  const people = between(chosen.text, 'class="message-recipients" id', "</form>");
  assert.ok(people.includes(`value="${idOf("librus-b")}" id="check_`));
  const ask = { typAdresata: "sekretariat", poprzednia: 5 };
  const nobody = await a.post(`${SYNERGIA}/getRecipients`, ask);
  assert.equal(nobody.status, 200);
  assert.doesNotMatch(nobody.text, /DoKogo/);
});

test("several people get a letter, and one unknown stops it", async () => {
  const [a, b] = [await login("librus-a"), await login("librus-b")];
  const send = (people) =>
    a.post(`${SYNERGIA}/wiadomosci/1/6`, [
      ...people.map((id) => ["DoKogo[]", id]),
      ["temat", "x"],
      ["tresc", "y"],
      ["wyslij", "Wyślij"],
    ]);
  const mixed = await send([idOf("librus-b"), "99"]);
  assert.match(mixed.text, /Wiadomość nie została wysłana\./);
  await send([idOf("librus-a"), idOf("librus-b")]);
  for (const one of [a, b])
    assert.ok(number(await one.get(`${SYNERGIA}/wiadomosci/5`), 5, "x"));
});

test("a folder has pages of fifty, by either name of the field", async () => {
  const [a, b] = [await login("librus-a"), await login("librus-b")];
  const empty = await b.get(`${SYNERGIA}/wiadomosci/1/5`);
  assert.match(empty.text, /<tr class="line0"><td colspan="6">Brak wiadomości/);
  assert.doesNotMatch(empty.text, /pagination/);
  for (let i = 0; i < 51; i++)
    await a.post(`${SYNERGIA}/wiadomosci/5`, {
      DoKogo: idOf("librus-b"),
      temat: `list-${i}-`,
      tresc: "x",
      wyslij: "Wyślij",
    });
  const lists = [
    [b, "wiadomosci/1/5", "numer_strony105", 5],
    [b, "wiadomosci/5", "numer_strony105", 5],
    [b, "wiadomosci", "numer_strony105", 5],
    [b, "wiadomosci_aktualne", "numer_strony105", 5],
    [a, "wiadomosci/1/6", "numer_strony105", 6],
    [a, "wiadomosci/6", "numer_strony106", 6],
  ];
  for (const [one, path, field, folder] of lists) {
    const page = (n) => one.post(`${SYNERGIA}/${path}`, { [field]: n });
    const newest = await page(0);
    assert.ok(number(newest, folder, "list-50-"), path);
    assert.equal(number(newest, folder, "list-0-"), undefined, path);
    assert.match(newest.text, /Strona&nbsp;1&nbsp;z&nbsp;2</);
    const last = await page(1);
    assert.ok(number(last, folder, "list-0-"), path);
    assert.equal(number(last, folder, "list-1-"), undefined, path);
  }
});

test("reading is seen by the sender", async () => {
  const [a, b] = [await login("librus-a"), await login("librus-b")];
  const temat = mark();
  await a.post(`${SYNERGIA}/wiadomosci/5`, {
    DoKogo: idOf("librus-b"),
    temat,
    tresc: "x",
    wyslij: "Wyślij",
  });
  const box = () => b.get(`${SYNERGIA}/wiadomosci/5`);
  const mine = () => a.get(`${SYNERGIA}/wiadomosci/6`);
  assert.match((await box()).text, /<td style="font-weight: bold;"><a/);
  assert.match((await mine()).text, /<td>NIE<\/td>/);
  const id = number(await box(), 5, temat);
  const open = await b.get(`${SYNERGIA}/wiadomosci/1/5/${id}/f0`);
  assert.match(open.text, /<b>Nadawca<\/b><\/td><td class="left">Nowak Anna</);
  assert.doesNotMatch((await box()).text, /font-weight/);
  assert.doesNotMatch((await mine()).text, /<td>NIE<\/td>/);
  const sent = await a.get(`${SYNERGIA}/wiadomosci/1/6/${id}/f0`);
  assert.doesNotMatch(sent.text, /Nadawca/);
  assert.match(sent.text, /<td>Wójcik Piotr<\/td><td class="left">\d{4}-/);
  const foreign = await a.get(`${SYNERGIA}/wiadomosci/1/5/${id}/f0`);
  assert.match(foreign.text, /Nie odnaleziono wiadomości/);
});

test("what is deleted lies in the bin, comes back, and is gone at last", async () => {
  const [a, b] = [await login("librus-a"), await login("librus-b")];
  const temat = mark();
  await a.post(`${SYNERGIA}/wiadomosci/5`, {
    DoKogo: idOf("librus-b"),
    temat,
    tresc: "x",
    wyslij: "Wyślij",
  });
  const folders = async () => {
    const seen = [];
    for (const folder of [5, 7])
      if (number(await b.get(`${SYNERGIA}/wiadomosci/${folder}`), folder, temat))
        seen.push(folder);
    return seen;
  };
  const list = await b.get(`${SYNERGIA}/wiadomosci/5`);
  const id = number(list, 5, temat);
  const requestkey = between(list.text, 'csrfTokenValue = "', '"');
  const many = (path, folder, key = requestkey) =>
    b.post(
      `${SYNERGIA}/${path}`,
      { "wiadomosciLista[]": id, folder, czyArchiwum: 0 },
      { requestkey: key },
    );
  assert.equal((await many("usun_wiadomosc", 5, "0")).status, 403);
  assert.deepEqual(await folders(), [5]);
  assert.equal((await many("usun_wiadomosc", 5)).json.status, "ok");
  assert.deepEqual(await folders(), [7]);
  assert.equal((await many("przywroc_wiadomosc", 7)).json.status, "ok");
  assert.deepEqual(await folders(), [5]);
  const yes = { tak: "Tak", id: 1, Wid: id, poprzednia: 6 };
  const gone = await b.postJson(`${SYNERGIA}/wiadomosci`, { form: yes });
  assert.match(gone.text, /class="green container"/);
  assert.deepEqual(await folders(), [7]);
  const purged = await b.post(`${SYNERGIA}/wiadomosci`, yes);
  assert.match(purged.text, /class="green container"/);
  assert.deepEqual(await folders(), []);
  const nothing = await b.post(`${SYNERGIA}/wiadomosci`, yes);
  assert.match(nothing.text, /class="red container"/);
  assert.ok(number(await a.get(`${SYNERGIA}/wiadomosci/6`), 6, temat));
});

// ---- messages as XML ----

const service = (fields) =>
  `<service><header/><data>${Object.entries(fields)
    .map(([name, value]) => `<${name}>${value}</${name}>`)
    .join("")}</data></service>`;

const module_ = (b, name, fields) =>
  b.exchange("POST", `${MAIL}/module/${name}`, {
    body: service(fields),
    type: "application/xml",
  });

async function xmlLogin(name) {
  const b = await login(name);
  const first = await b.exchange("GET", `${SYNERGIA}/wiadomosci2`);
  assert.match(first.headers.location, /MultiDomainLogon/);
  const second = await b.exchange("GET", first.headers.location);
  assert.match(second.headers.location, /AutoLogon/);
  assert.ok(b.jar.get("DZIENNIKSID", "wiadomosci.librus.pl"));
  return b;
}

const tag = (answer, name) =>
  new RegExp(`<${name}>(.*?)</${name}>`, "s").exec(answer.text)?.[1];

test("the XML module lists, reads and sends", async () => {
  const [a, b] = [await xmlLogin("librus-a"), await xmlLogin("librus-b")];
  const types = await module_(a, "Receivers/action/GetTypes", { includeClass: 1 });
  assert.match(
    types.text,
    /<response><GetTypes>.*<data><list><ArrayItem><id>tutors<\/id><name>/,
  );
  const people = await module_(a, "Receivers/action/GetListForType", {
    receiverType: "teachers",
  });
  const to = sim.accounts["librus-b"].mailbox;
  assert.ok(people.text.includes(`<id>${to}</id><label>Wójcik Piotr</label>`));
  const topic = mark();
  const sent = await module_(a, "SendMessage", {
    topic: base64(topic),
    message: base64("Dzień\ndobry & więcej"),
    receivers: to,
    actions: base64("<Actions/>"),
  });
  assert.match(
    sent.text,
    /<response><SendMessage><status>ok<\/status><data>\d+<\/data>/,
  );
  const id = tag(sent, "data");
  const inbox = await module_(b, "Inbox/action/GetList", { archive: 0 });
  assert.equal(tag(inbox, "messageId"), id);
  assert.equal(tag(inbox, "topic"), topic);
  assert.equal(tag(inbox, "senderFirstName"), "Anna");
  assert.equal(tag(inbox, "senderLastName"), "Nowak");
  assert.equal(tag(inbox, "readDate"), "");
  const old = await module_(b, "Inbox/action/GetList", { archive: 1 });
  assert.equal(tag(old, "messageId"), undefined);
  const read = await module_(b, "GetMessage", { messageId: id, archive: 0 });
  assert.equal(plain(tag(read, "Message")), "Dzień\ndobry &amp; więcej");
  assert.equal(tag(read, "senderId"), sim.accounts["librus-a"].mailbox);
  const outbox = await module_(a, "Outbox/action/GetList", { archive: 0 });
  assert.equal(tag(outbox, "receiverLastName"), "Wójcik");
  assert.match(tag(outbox, "readDate"), /^\d{4}-/);
  const receipt = await module_(a, "GetMessage", { messageId: id, archive: 0 });
  assert.equal(tag(receipt, "receiverId"), to);
  assert.match(tag(receipt, "readed"), /^\d{4}-/);
  const missing = await module_(b, "GetMessage", { messageId: 1 });
  assert.match(missing.text, /<message>Nie odnaleziono wiadomości\.<\/message>/);
  const unknown = await module_(a, "SendMessage", {
    topic: base64("x"),
    message: base64("y"),
    receivers: `${to},1`,
    actions: base64("<Actions/>"),
  });
  assert.match(unknown.text, /<status>error<\/status>/);
});

test("the XML module has a login and words for what is wrong", async () => {
  const b = browser();
  const gone = await module_(b, "Inbox/action/GetList", { archive: 0 });
  assert.equal(gone.status, 200);
  assert.match(gone.text, /<type>eVarWhitThisNameNotExists<\/type>/);
  const { user, password } = sim.accounts["librus-b"];
  const wrong = await module_(b, "Login", { login: user, password: "nie" });
  assert.match(wrong.text, /<message>Niepoprawny login i\/lub hasło\.<\/message>/);
  const right = await module_(b, "Login", { login: user, password });
  assert.match(right.text, /<status>ok<\/status>/);
  const list = await module_(b, "Inbox/action/GetList", { archive: 0 });
  assert.match(list.text, /<GetList><status>ok<\/status>/);
  const denied = await module_(b, "Admin/action/Drop", {});
  assert.match(denied.text, /eAccessDeny/);
  const broken = await b.exchange("POST", `${MAIL}/module/GetMessage`, {
    body: "messageId=1",
  });
  assert.match(broken.text, /<error>/);
  const stranger = await browser().exchange("GET", `${SYNERGIA}/wiadomosci2`);
  assert.equal(stranger.headers.location, `${SYNERGIA}/loguj`);
});

// ---- messages as JSON ----

async function jsonLogin(name) {
  const b = await login(name);
  const first = await b.exchange("GET", `${SYNERGIA}/wiadomosci3`);
  assert.match(
    first.headers.location,
    /\/pobierz\d{1,3}\/MultiDomainLogon\/token\/\w{32}\/login\/[\w+-]+\/target\/L25vd3k\/from\/c3luZXJnaWE$/,
  );
  const app = await b.get(first.headers.location);
  assert.match(app.text, /id="root"/);
  const again = await b.exchange("GET", first.headers.location);
  assert.equal(again.headers.location, `${SYNERGIA}/loguj`);
  return b;
}

test("the JSON API shows who and to whom", async () => {
  const a = await jsonLogin("librus-a");
  const me = (await a.get(`${MAIL}/api/me`)).json;
  assert.equal(me.accountId, Number(sim.accounts["librus-a"].mailbox));
  assert.equal(me.originSystem, "synergia");
  const types = await a.get(`${MAIL}/api/receivers/types?includeClass=true`);
  assert.ok(types.json.data.list.some((type) => type.id === "teachers"));
  const group = (name) => a.get(`${MAIL}/api/receivers/groups/${name}`);
  const staff = await group("school-employees?receiverType=teachers");
  const { mailbox } = sim.accounts["librus-b"];
  assert.ok(staff.json.receivers.some((one) => one.accountId === mailbox));
  const parents = await group("students-and-attendants?receiverType=parentsCouncil");
  assert.ok(
    parents.json.classes[0].receivers[0].some((one) => one.accountId === mailbox),
  );
  assert.equal((await group("nikt")).status, 404);
});

test("the JSON API counts, pages and tells who has read", async () => {
  const [a, b] = [await jsonLogin("librus-a"), await jsonLogin("librus-b")];
  const { mailbox } = sim.accounts["librus-b"];
  const send = (topic, accountIds = [mailbox]) =>
    a.postJson(`${MAIL}/api/messages`, {
      receivers: {
        schoolReceivers: accountIds.map((accountId) => ({ accountId })),
      },
      topic: base64(topic),
      content: base64("ą".repeat(40)),
      storageId: null,
      category: "normal",
    });
  const twice = await send("x", [mailbox, mailbox]);
  assert.equal(twice.status, 422);
  assert.equal(twice.json.code, "DUPLICATED_RECEIVERS");
  const [first, second] = [mark(), mark()];
  const { messageId } = (await send(first)).json.data;
  await send(second);
  const list = async (query) =>
    (await b.get(`${MAIL}/api/inbox/messages?${query}`)).json;
  const page = await list("page=2&limit=1");
  assert.equal(page.total, 2);
  assert.equal(page.data[0].topic, first);
  assert.equal(page.data[0].messageId, String(messageId));
  assert.ok(Buffer.from(page.data[0].content, "base64").length <= 60);
  const unread = async () =>
    (await b.get(`${MAIL}/api/inbox/unreadMessagesCount`)).json.data.inbox;
  assert.equal(await unread(), 2, "listing marks nothing read");
  await b.get(`${MAIL}/api/inbox/messages/${messageId}`);
  assert.equal(await unread(), 1);
  assert.equal((await list("unreadOnly=1")).data[0].topic, second);
  const sent = await a.get(`${MAIL}/api/outbox/messages`);
  assert.deepEqual(
    sent.json.data.map((m) => [m.topic, m.receiverName]),
    [[second, "Wójcik Piotr"], [first, "Wójcik Piotr"]],
  );
  const { data } = (await a.get(`${MAIL}/api/outbox/messages/${messageId}`)).json;
  assert.equal(data.receiversCount, 1);
  assert.equal(data.readedCount, 1);
  assert.match(data.receivers[0].readed, /^\d{4}-/);
  const foreign = await a.get(`${MAIL}/api/inbox/messages/${messageId}`);
  assert.equal(foreign.status, 404);
  await b.post(`${SYNERGIA}/wiadomosci`, { tak: "Tak", id: 1, Wid: messageId });
  const bin = await b.get(`${MAIL}/api/trash-bin/messages`);
  assert.equal(bin.json.data[0].topic, first);
  const binned = await b.get(`${MAIL}/api/trash-bin/messages/${messageId}`);
  assert.equal(binned.json.data.topic, first);
  assert.equal((await b.get(`${MAIL}/api/trash/messages`)).status, 404);
  for (const box of ["inbox", "outbox"]) {
    const archive = await b.get(`${MAIL}/api/archive/${box}/messages?page=1`);
    assert.deepEqual(archive.json, { data: [], total: 0 });
  }
  for (const none of ["archive", "archive/trash-bin", "archive/alerts"])
    assert.equal((await b.get(`${MAIL}/api/${none}/messages`)).status, 404);
  assert.deepEqual((await b.get(`${MAIL}/api/notes/messages`)).json.data, []);
  assert.equal((await b.get(`${MAIL}/api/alerts/messages`)).status, 404);
});

test("a letter has the same words by all three faces", async () => {
  const [a, b] = [await jsonLogin("librus-a"), await jsonLogin("librus-b")];
  const temat = mark();
  await a.post(`${SYNERGIA}/wiadomosci/5`, {
    DoKogo: idOf("librus-b"),
    temat,
    tresc: "a < b",
    wyslij: "Wyślij",
  });
  const box = await b.get(`${MAIL}/api/inbox/messages`);
  const { messageId } = box.json.data.find((m) => m.topic === temat);
  const json = await b.get(`${MAIL}/api/inbox/messages/${messageId}`);
  assert.equal(
    plain(json.json.data.Message),
    "<Message><Content><![CDATA[a &lt; b]]></Content></Message>",
  );
  const html = await b.get(`${SYNERGIA}/wiadomosci/1/5/${messageId}/f0`);
  assert.match(html.text, /container-message-content">a &lt; b</);
  const xml = await module_(b, "GetMessage", { messageId });
  assert.equal(plain(tag(xml, "Message")), "a &lt; b");
});
