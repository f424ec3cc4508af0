// Vulcan's mobile interface as telephones see it: pairing, signatures that are
// verified, marks and messages.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import crypto from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";

import { Browser, unescapeHtml } from "./browser.mjs";
import {
  EDU,
  PUPIL,
  account,
  app,
  edu,
  mark,
  sim,
  simulate,
  start,
} from "./vulcan-client.mjs";

simulate();

const MOBILE = "https://lekcjaplus.vulcan.net.pl";

/** A telephone: signs as the clients do, or as `change` has it. */
class Phone {
  constructor(certificate) {
    const pair = crypto.generateKeyPairSync("rsa", { modulusLength: 2048 });
    this.key = pair.privateKey;
    this.certificate = pair.publicKey.export({ type: "spki", format: "der" })
      .toString("base64");
    if (certificate) {
      this.key = crypto.createPrivateKey(certificate.key);
      this.certificate = certificate.der.toString("base64");
    }
    this.id = crypto.createHash("sha1").update(this.certificate).digest("hex");
    this.browser = new Browser(sim, "vulcan");
  }

  async call(method, address, envelope, change = {}) {
    const body = envelope === undefined ? undefined : JSON.stringify({
      AppName: "DzienniczekPlus 2.0",
      CertificateId: this.id,
      Envelope: envelope,
      API: 1,
      RequestId: crypto.randomUUID(),
      Timestamp: Date.now(),
    });
    const canonical = change.canonical ?? encodeURIComponent(
      address.slice(address.indexOf("api/mobile/"))).toLowerCase();
    const digest = crypto.createHash("sha256").update(body ?? "")
      .digest("base64");
    const date = new Date().toUTCString();
    const signed = [["vCanonicalUrl", canonical]];
    if (body !== undefined || change.digestAlways) signed.push(["Digest", digest]);
    signed.push(["vDate", date]);
    const names = change.names ?? signed.map(([name]) => name).join(" ");
    const value = crypto.sign("RSA-SHA256",
      Buffer.from(signed.map(([, v]) => v).join("")), this.key);
    const headers = {
      vOS: "Android",
      vAPI: "1",
      vDate: date,
      vCanonicalUrl: canonical,
      Digest: `SHA-256=${digest}`,
      Signature: `keyId="${this.id}",headers="${names}",` +
        this.constructor.form(value.toString("base64")),
      ...this.more,
      ...change.headers,
    };
    for (const name of Object.keys(headers))
      if (headers[name] === undefined) delete headers[name];
    const answer = await this.browser.exchange(method, address, {
      body: change.body ?? body,
      type: "application/json",
      headers,
    });
    assert.equal(answer.status, 200);
    return answer.json;
  }

  static form(value) {
    return `algorithm="sha256withrsa",signature=Base64(SHA256withRSA(${value}))`;
  }

  register(symbol, token, pin, change) {
    return this.call("POST", `${MOBILE}/${symbol}/api/mobile/register/new`, {
      OS: "Android",
      DeviceModel: "test",
      Certificate: this.certificate,
      CertificateType: "X509",
      CertificateThumbprint: this.id,
      PIN: pin,
      SecurityToken: token,
      SelfIdentifier: crypto.randomUUID(),
    }, change);
  }

  get(rest, change) {
    return this.call("GET", `${this.base}/api/mobile/${rest}`, undefined, change);
  }

  post(rest, envelope, change) {
    return this.call("POST", `${this.base}/api/mobile/${rest}`, envelope, change);
  }
}

/** One with the application of eduVULCAN. */
class EduPhone extends Phone {
  more = { vVersionCode: "617" };

  static form(value) {
    return `algorithm="sha256",signature=Base64(sha256withrsa(${value}))`;
  }

  registerJwt(symbol, Tokens) {
    return this.call("POST", `${MOBILE}/${symbol}/api/mobile/register/jwt`, {
      OS: "Android",
      Certificate: this.certificate,
      CertificateType: "RSA_PEM",
      CertificateThumbprint: this.id,
      DeviceModel: "test",
      SelfIdentifier: crypto.randomUUID(),
      Tokens,
    });
  }
}

async function phone(symbol, pupil) {
  const p = new Phone();
  const answer = await p.register(symbol,
    `3S1${symbol.slice(0, 3).toUpperCase()}${pupil}`, `000${pupil}`);
  assert.equal(answer.Status.Code, 0);
  p.base = `${answer.Envelope.RestURL}123456`;
  return p;
}

test("a telephone is registered with what the pupil's module gives", async () => {
  const b = await start("gdansk", "a");
  const page = await b.get(`${PUPIL}/RejestracjaUrzadzeniaToken.mvc/Get`);
  const { TokenKey, CustomerGroup, PIN } = page.json.data;
  const routing = await b.get(
    "https://komponenty.vulcan.net.pl/UonetPlusMobile/RoutingRules.txt");
  const rule = routing.text.split("\r\n")
    .find((line) => line.startsWith(TokenKey.slice(0, 3)));
  assert.equal(rule.split(",")[1], MOBILE);
  const p = new Phone();
  const code = async (...order) => (await p.register(...order)).Status.Code;
  assert.equal(await code("radom", TokenKey, PIN), -1);
  assert.equal(await code(CustomerGroup, "3S1NIEMA", PIN), 200);
  assert.equal(await code("lublin", TokenKey, PIN), 200);
  const wrong = await p.register(CustomerGroup, TokenKey, "x");
  assert.equal(wrong.Status.Code, 203);
  assert.equal(wrong.Envelope.AvailableRetries, 2);
  const right = await p.register(CustomerGroup, TokenKey, PIN);
  assert.equal(right.Status.Code, 0);
  assert.equal(right.Envelope.UserLogin, account("gdansk", "a").user);
  assert.equal(right.Envelope.RestURL, `${MOBILE}/gdansk/`);
  assert.equal(await code(CustomerGroup, TokenKey, PIN), 201);
  const second = await b.get(`${PUPIL}/RejestracjaUrzadzeniaToken.mvc/Get`);
  const next = second.json.data.TokenKey;
  for (const left of [203, 203, 203, 204])
    assert.equal(await code(CustomerGroup, next, "x"), left);
});

test("a certificate in X.509 is good as well", async () => {
  const dir = mkdtempSync(path.join(tmpdir(), "vulcan-x509-"));
  const file = (name) => path.join(dir, name);
  execFileSync("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes",
    "-subj", "/CN=APP_CERTIFICATE CA Certificate", "-outform", "DER",
    "-keyout", file("key"), "-out", file("der")], { stdio: "ignore" });
  const p = new Phone({ key: readFileSync(file("key")), der: readFileSync(file("der")) });
  rmSync(dir, { recursive: true });
  const answer = await p.register("gdansk", "3S1GDA611", "000611");
  assert.equal(answer.Status.Message, "OK");
});

test("signatures are verified by the headers that they list", async () => {
  const p = await phone("lublin", 621);
  const code = async (change) =>
    (await p.get("internal/time", change)).Status.Code;
  assert.equal(await code({}), 0);
  assert.equal(await code({ digestAlways: true }), 0);
  assert.equal(await code({ headers: { vOS: undefined } }), 102);
  assert.equal(await code({ headers: { Signature: undefined } }), 100);
  assert.equal(await code({ headers: { vDate: "Mon, 01 Jan 2024 00:00:00 GMT" } }), 100);
  assert.equal(await code({ names: "vCanonicalUrl" }), 100);
  assert.equal(await code({ canonical: "api%2fmobile%2fheartbeat" }), 100);
  const status = await p.post("messagebox/message/status", { Status: 9 },
    { body: "{}" });
  assert.equal(status.Status.Code, 100);
  const stranger = new Phone();
  stranger.base = p.base;
  assert.equal((await stranger.get("heartbeat")).Status.Code, 108);
  const forger = new Phone();
  [forger.id, forger.base] = [p.id, p.base];
  assert.equal((await forger.get("heartbeat")).Status.Code, 100);
  // with a query, in what is signed or not
  const list = "grade/byPupil?unitId=2&pupilId=621&periodId=6212" +
    "&lastSyncDate=1970-01-01%2000%3A00%3A00&lastId=-2147483648&pageSize=500";
  assert.equal((await p.get(list)).Status.Code, 0);
  const plain = encodeURIComponent("api/mobile/grade/byPupil").toLowerCase();
  assert.equal((await p.get(list, { canonical: plain })).Status.Code, 0);
  const other = encodeURIComponent(`api/mobile/${list}`).toLowerCase()
    .replace("621", "622");
  assert.equal((await p.get(list, { canonical: other })).Status.Code, 100);
  await sim.reset();
  assert.equal((await p.get("heartbeat")).Status.Code, 108);
});

test("pupils and marks on the telephone", async () => {
  const p = await phone("lublin", 621);
  const base = p.base;
  p.base = `${MOBILE}/lublin`;
  const { Envelope } = await p.get("register/hebe?mode=2");
  const [pupil] = Envelope;
  assert.equal(pupil.Unit.Symbol, "123456");
  assert.equal(pupil.Unit.RestURL, `${base}/api`);
  assert.equal(pupil.Periods.filter((period) => period.Current).length, 1);
  p.base = base;
  const marks = (rest) => p.get("grade/byPupil?unitId=2&lastId=-2147483648" +
    `&pageSize=500&pupilId=${pupil.Pupil.Id}&${rest}`);
  const second = `periodId=${pupil.Periods[1].Id}`;
  const all = await marks(`${second}&lastSyncDate=1970-01-01%2000%3A00%3A00`);
  assert.equal(all.EnvelopeType, "IEnumerable`1");
  assert.equal(all.Envelope.length, 5);
  assert.equal(all.Envelope[0].Column.Subject.Name, "Matematyka");
  assert.equal(all.Envelope[1].Value, 4.25);
  const late = await marks(`${second}&lastSyncDate=2020-03-18%2000%3A00%3A00`);
  assert.equal(late.Envelope.length, 2);
  const foreign = await p.get(`grade/byPupil?pupilId=622&${second}`);
  assert.equal(foreign.Status.Code, 100);
  assert.ok((await p.get("internal/time")).Envelope.Timestamp > 1.7e12);
  assert.deepEqual((await p.get("exam/byPupil?pupilId=621")).Envelope, []);
  assert.equal((await p.get("school/lucky?day=2026-11-25")).Envelope.Number, 7);
  assert.equal((await p.get("heartbeat")).Status.Code, 0);
  assert.equal((await p.get("version?app=test")).Status.Code, 0);
});

test("a message goes from one telephone to the other", async () => {
  const [a, b] = [await phone("gdansk", 611), await phone("gdansk", 612)];
  const box = async (p) => (await p.get("messagebox")).Envelope[0];
  const [own, theirs] = [await box(a), await box(b)];
  const book = await a.get("addressbook?loginId=30110&lastId=-2147483648");
  assert.equal(book.Envelope[1].Roles[0].Surname, "Mewa");
  assert.equal((await a.get("addressbook?loginId=30120")).Status.Code, 100);
  const people = await a.get(`messagebox/addressbook?box=${own.GlobalKey}`);
  const to = people.Envelope.find((one) => one.GlobalKey === theirs.GlobalKey);
  const GlobalKey = crypto.randomUUID();
  const Partition = "gdansk-123456";
  const letter = {
    Id: crypto.randomUUID(),
    GlobalKey,
    ThreadKey: GlobalKey,
    Partition,
    Subject: mark(),
    Content: "Dzień dobry",
    Status: 1,
    Owner: own.GlobalKey,
    DateSent: { Timestamp: Date.now() },
    DateRead: null,
    Sender: { Id: "0", Partition, Owner: own.GlobalKey, GlobalKey: own.GlobalKey, Name: own.Name },
    Receiver: [to],
    Attachments: [],
  };
  const refused = await a.post("messagebox/message", { ...letter, Partition: "lublin-123456" });
  assert.equal(refused.Status.Code, 101);
  const sent = await a.post("messagebox/message", letter);
  assert.equal(sent.Status.Code, 0);
  const out = await a.get(`messagebox/message/byBox?box=${own.GlobalKey}&folder=2`);
  assert.equal(out.Envelope[0].GlobalKey, GlobalKey);
  const lists = async () => {
    const found = [];
    for (const rest of ["messages/received/byBox?", "messagebox/message/byBox?folder=1&",
      "messagebox/message/byBox?folder=3&", "messages/deleted/byBox?"])
      found.push((await b.get(`${rest}box=${theirs.GlobalKey}`)).Envelope);
    return found;
  };
  const [[row], [same]] = await lists();
  assert.equal(row.Subject, letter.Subject);
  assert.equal(row.DateRead, null);
  assert.deepEqual(same, row);
  const status = (Status) => b.post("messagebox/message/status",
    { BoxKey: theirs.GlobalKey, MessageKey: row.Id, Status });
  assert.equal((await status(1)).Envelope, true);
  assert.ok((await lists())[0][0].DateRead.Timestamp > 0);
  assert.equal((await status(2)).Status.Code, 0);
  assert.deepEqual((await lists()).map((list) => list.length), [0, 0, 1, 1]);
  const peek = await b.get(`messagebox/message/byBox?box=${own.GlobalKey}&folder=1`);
  assert.equal(peek.Status.Code, 100);
});

test("a telephone of eduVULCAN is registered with the pupil's token", async () => {
  const b = await edu("gdansk", "a");
  const ap = await b.get(`${EDU}/api/ap`);
  const value = unescapeHtml(/id="ap"[^>]* value="([^"]*)"/.exec(ap.text)[1]);
  const { Tokens } = JSON.parse(value);
  const p = new EduPhone();
  const [head, , seal] = Tokens[0].split(".");
  const claims = Buffer.from('{"tenant":"gdansk","exp":9999999999}');
  const forged = [head, claims.toString("base64url"), seal].join(".");
  assert.equal((await p.registerJwt("gdansk", [forged])).Status.Code, 200);
  assert.equal((await p.registerJwt("lublin", Tokens)).Status.Code, 200);
  assert.equal((await p.registerJwt("gdansk", Tokens)).Status.Code, 0);
  p.base = `${MOBILE}/gdansk`;
  const [pupil] = (await p.get("register/hebe?mode=2")).Envelope;
  assert.match(pupil.Periods[0].StartAt, /^\d{4}-09-01$/);
  p.base = pupil.Unit.RestURL.replace(/[/]api$/, "");
  const own = pupil.MessageBox.GlobalKey;
  const [to] = (await p.get(`addressbook?box=${own}`)).Envelope;
  assert.equal(to.HasRead, false);
  const GlobalKey = crypto.randomUUID();
  const Partition = pupil.Partition;
  const sent = await p.post("messages", {
    Id: crypto.randomUUID(), GlobalKey, ThreadKey: GlobalKey, Partition,
    Subject: mark(), Content: "x", Status: 1, Owner: own,
    SentAt: "2026-11-25T23:00:00",
    Sender: { Id: "0", Partition, Owner: own, GlobalKey: own, Name: "x" },
    Receiver: [to],
  });
  assert.equal(sent.Status.Code, 0);
  const [row] = (await p.get(`messages/sent/byBox?box=${own}`)).Envelope;
  assert.match(row.SentAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/);
  const done = await p.post("messages/status",
    { BoxKey: own, MessageKey: row.Id, Status: 2 });
  assert.equal(done.Envelope, true);
  const bin = await p.get(`messages/deleted/byBox?box=${own}`);
  assert.equal(bin.Envelope.length, 1);
});

/** Lists its date alone; with a certificate, or with a mere UUID for one. */
async function digestPhone(Tokens, { keyless, spoil = (value) => value }) {
  const browser = new Browser(sim, "vulcan");
  const pair = crypto.generateKeyPairSync("rsa", { modulusLength: 2048 });
  const uuid = crypto.randomUUID();
  const call = async (method, address, Envelope) => {
    const vDate = new Date().toUTCString();
    const value = keyless
      ? crypto.createHash("sha256").update(vDate).digest("base64")
      : crypto.sign("RSA-SHA256", Buffer.from(vDate), pair.privateKey)
        .toString("base64");
    const answer = await browser.exchange(method, address, {
      body: Envelope && JSON.stringify({ CertificateId: uuid, Envelope, API: 1 }),
      type: "application/json",
      headers: {
        vOS: "Android",
        vDate,
        Signature: `keyId="${uuid}",headers="vDate",algorithm="sha256-digest",` +
          `signature=Base64(SHA256withRSA(${spoil(value)}))`,
      },
    });
    return answer.json;
  };
  const registered = await call("POST",
    `${MOBILE}/gdansk/api/mobile/register/jwt`, {
      OS: "Android",
      Certificate: keyless ? uuid
        : pair.publicKey.export({ type: "spki", format: "der" }).toString("base64"),
      CertificateType: keyless ? "UUID" : "RSA_PEM",
      DeviceModel: "test",
      SelfIdentifier: crypto.randomUUID(),
      Tokens,
    });
  return { registered, get: (rest) => call("GET", `${MOBILE}/gdansk/api/mobile/${rest}`) };
}

test("a telephone of eduVULCAN may sign its date alone", async () => {
  const b = await edu("gdansk", "a");
  const ap = await b.get(`${EDU}/api/ap`);
  const { Tokens } = JSON.parse(
    unescapeHtml(/id="ap"[^>]* value="([^"]*)"/.exec(ap.text)[1]));
  for (const keyless of [true, false]) {
    const p = await digestPhone(Tokens, { keyless });
    assert.equal(p.registered.Status.Code, 0);
    assert.equal((await p.get("register/hebe?mode=2")).Envelope.length, 1);
    const spoil = (value) => (value[0] === "A" ? "B" : "A") + value.slice(1);
    const wrong = await digestPhone(Tokens, { keyless, spoil });
    assert.equal(wrong.registered.Status.Code, 100);
  }
  // one that was paired with a PIN signs all, whatever it names the algorithm
  const old = await phone("gdansk", 611);
  const date = new Date().toUTCString();
  const value = crypto.sign("RSA-SHA256", Buffer.from(date), old.key)
    .toString("base64");
  const refused = await old.get("heartbeat", { headers: {
    vDate: date,
    Signature: `keyId="${old.id}",headers="vDate",algorithm="sha256-digest",` +
      `signature=Base64(SHA256withRSA(${value}))`,
  } });
  assert.equal(refused.Status.Code, 100);
});
