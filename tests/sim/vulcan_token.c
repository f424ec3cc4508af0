/*
 * The security token that Vulcan's identity provider hands to its relying
 * parties: a WS-Trust collection around a SAML 1.0 assertion. The signature
 * is an HMAC over the whole document in place of RSA over a canonical form;
 * what matters to a client is the same: a single byte lost in the HTML
 * escapes and the relying party refuses it.
 */
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include "vulcan-int.h"

enum { TOKEN_LIFE_S = 3600, CERTIFICATE_BYTES = 1100 };

static const char signature_begin[] = "<ds:SignatureValue>";
static const char signature_end[] = "</ds:SignatureValue>";

static unsigned char key[32];
static pthread_once_t key_once = PTHREAD_ONCE_INIT;

static void
draw_key(void)
{
	if (RAND_bytes(key, sizeof(key)) != 1)
		abort();
}

/* The signature of a document without its signature's value. */
static void
sign(const char *head, size_t head_len, const char *tail, struct text *out)
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	struct text whole = {0};

	pthread_once(&key_once, draw_key);
	text_addn(&whole, head, head_len);
	text_add(&whole, tail);
	if (HMAC(EVP_sha256(), key, sizeof(key),
		(const unsigned char *)text_of(&whole), whole.len, mac,
		&len) == NULL)
		abort();
	text_fini(&whole);
	/* long as an RSA one */
	for (int i = 0; i < 8; i++)
		text_base64(out, (const char *)mac, 30);
}

/* Instants in UTC, as XML has them. */
static void
add_instant(struct text *xml, time_t when)
{
	struct tm tm;
	char out[40];

	gmtime_r(&when, &tm);
	strftime(out, sizeof(out), "%Y-%m-%dT%H:%M:%S.000Z", &tm);
	text_add(xml, out);
}

static void
add_attribute(struct text *xml, const char *name, const char *value)
{
	text_addf(xml,
	    "<saml:Attribute AttributeName=\"%s\" AttributeNamespace=\""
	    "http://schemas.vulcan.edu.pl/ws/identity/claims\">"
	    "<saml:AttributeValue>",
	    name);
	text_html(xml, value);
	text_add(xml, "</saml:AttributeValue></saml:Attribute>");
}

static void
add_instances(struct text *xml, const char *symbol)
{
	/* the first is always that of nowhere in particular */
	text_addf(xml,
	    "<saml:Attribute AttributeName=\"UserInstance\" "
	    "AttributeNamespace=\"http://schemas.vulcan.edu.pl/ws/identity/"
	    "claims\"><saml:AttributeValue>Default</saml:AttributeValue>"
	    "<saml:AttributeValue>%s</saml:AttributeValue></saml:Attribute>",
	    symbol);
}

static void
add_certificate(struct text *xml)
{
	char bytes[CERTIFICATE_BYTES];
	struct queue_random random = {.state = 2020};

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(queue_uniform(&random) * 256);
	text_base64(xml, bytes, sizeof(bytes));
}

static void
add_head(
    struct text *xml, const struct session *idp, const char *realm, time_t now)
{
	char id[33];

	session_token(id);
	text_add(xml,
	    "<trust:RequestSecurityTokenResponseCollection xmlns:trust=\""
	    "http://docs.oasis-open.org/ws-sx/ws-trust/200512\">"
	    "<trust:RequestSecurityTokenResponse Context=\"auth=studia\">"
	    "<trust:Lifetime><wsu:Created xmlns:wsu=\"http://docs.oasis-open."
	    "org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd\">");
	add_instant(xml, now);
	text_add(xml,
	    "</wsu:Created><wsu:Expires xmlns:wsu=\"http://docs.oasis-open."
	    "org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd\">");
	add_instant(xml, now + TOKEN_LIFE_S);
	text_add(xml,
	    "</wsu:Expires></trust:Lifetime><wsp:AppliesTo xmlns:wsp=\""
	    "http://schemas.xmlsoap.org/ws/2004/09/policy\">"
	    "<EndpointReference xmlns=\"http://www.w3.org/2005/08/addressing\">"
	    "<Address>");
	text_html(xml, realm);
	text_addf(xml,
	    "</Address></EndpointReference></wsp:AppliesTo>"
	    "<trust:RequestedSecurityToken><saml:Assertion MajorVersion=\"1\" "
	    "MinorVersion=\"1\" AssertionID=\"_%s\" "
	    "Issuer=\"CUFSTokenService\" IssueInstant=\"",
	    id);
	add_instant(xml, now);
	text_add(xml,
	    "\" xmlns:saml=\"urn:oasis:names:tc:SAML:1.0:assertion\">"
	    "<saml:Conditions NotBefore=\"");
	add_instant(xml, now - 300);
	text_add(xml, "\" NotOnOrAfter=\"");
	add_instant(xml, now + TOKEN_LIFE_S);
	text_add(xml, "\"><saml:AudienceRestrictionCondition><saml:Audience>");
	text_html(xml, realm);
	text_addf(xml,
	    "</saml:Audience></saml:AudienceRestrictionCondition>"
	    "</saml:Conditions><!-- %s -> %s -->",
	    idp->id, "rp");
}

static void
add_attributes(struct text *xml, const struct session *idp)
{
	text_add(xml,
	    "<saml:AttributeStatement><saml:Subject><saml:NameIdentifier>");
	text_html(xml, idp->account->user);
	text_add(xml,
	    "</saml:NameIdentifier><saml:SubjectConfirmation>"
	    "<saml:ConfirmationMethod>urn:oasis:names:tc:SAML:1.0:cm:bearer"
	    "</saml:ConfirmationMethod></saml:SubjectConfirmation>"
	    "</saml:Subject>");
	add_attribute(xml, "name", idp->account->user);
	add_attribute(xml, "emailaddress", idp->account->user);
	add_attribute(xml, "displayname", idp->account->name);
	add_instances(xml, idp->dep->name);
	add_attribute(xml, "partition", idp->dep->name);
	add_attribute(xml, "unit", VULCAN_SCHOOL);
	add_attribute(xml, "organization", "Szkoła \"Zielona\" & Przedszkole");
	add_attribute(xml, "note", "<poziom> 1 > 0 & 'ok'");
	/* the roles of a real one fill kilobytes */
	for (int i = 0; i < 6; i++) {
		char role[80];
		snprintf(role, sizeof(role), "rola-%d-jednostka-%s-%s", i,
		    idp->dep->name, VULCAN_SCHOOL);
		add_attribute(xml, "role", role);
	}
	text_add(xml, "</saml:AttributeStatement>");
}

void
vulcan_token_write(struct exchange *x, struct text *xml,
    const struct session *idp, const char *realm)
{
	static const char tail_end[] =
	    "</saml:Assertion></trust:RequestedSecurityToken>"
	    "<trust:TokenType>urn:oasis:names:tc:SAML:1.0:assertion"
	    "</trust:TokenType><trust:RequestType>http://docs.oasis-open.org/"
	    "ws-sx/ws-trust/200512/Issue</trust:RequestType>"
	    "<trust:KeyType>http://docs.oasis-open.org/ws-sx/ws-trust/200512/"
	    "Bearer</trust:KeyType></trust:RequestSecurityTokenResponse>"
	    "</trust:RequestSecurityTokenResponseCollection>";
	struct text tail = {0};

	add_head(xml, idp, realm, oper_time(x->op));
	add_attributes(xml, idp);
	text_add(xml,
	    "<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">"
	    "<ds:SignedInfo><ds:CanonicalizationMethod Algorithm=\""
	    "http://www.w3.org/2001/10/xml-exc-c14n#\" />"
	    "<ds:SignatureMethod Algorithm=\""
	    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256\" />"
	    "</ds:SignedInfo>");
	text_add(xml, signature_begin);
	text_add(&tail, signature_end);
	text_add(&tail,
	    "<KeyInfo xmlns=\"http://www.w3.org/2000/09/xmldsig#\"><X509Data>"
	    "<X509Certificate>");
	add_certificate(&tail);
	text_add(&tail,
	    "</X509Certificate></X509Data></KeyInfo>"
	    "</ds:Signature>");
	text_add(&tail, tail_end);
	sign(text_of(xml), xml->len, text_of(&tail), xml);
	text_add(xml, text_of(&tail));
	text_fini(&tail);
}

/* What stands between `begin` and `end`; false if it is longer than `size`. */
static bool
between(
    const char *xml, const char *begin, const char *end, char *out, size_t size)
{
	const char *from = strstr(xml, begin);
	const char *to;

	if (from == NULL)
		return false;
	from += strlen(begin);
	to = strstr(from, end);
	if (to == NULL || (size_t)(to - from) >= size)
		return false;
	memcpy(out, from, (size_t)(to - from));
	out[to - from] = '\0';
	return true;
}

static bool
signature_right(const char *xml)
{
	const char *begin = strstr(xml, signature_begin);
	struct text expected = {0};
	bool right = false;

	if (begin == NULL)
		return false;
	begin += strlen(signature_begin);
	const char *end = strstr(begin, signature_end);
	if (end != NULL) {
		sign(xml, (size_t)(begin - xml), end, &expected);
		right = expected.len == (size_t)(end - begin) &&
		    memcmp(text_of(&expected), begin, expected.len) == 0;
	}
	text_fini(&expected);
	return right;
}

/* The same address, whatever the audience has behind a question mark. */
static bool
is_for(const char *audience, const char *realm)
{
	size_t len = strlen(realm);

	return strncmp(audience, realm, len) == 0 &&
	    (audience[len] == '\0' || audience[len] == '?');
}

struct session *
vulcan_token_read(
    struct exchange *x, const char *xml, const char *realm, const int *kinds)
{
	const enum path_class class = x->class;
	struct session *session = NULL;
	char audience[640];
	char until[40];
	char id[40];
	struct text now = {0};
	bool in_time;

	if (xml == NULL || !signature_right(xml) ||
	    !between(xml, "<saml:Audience>", "</saml:Audience>", audience,
		sizeof(audience)) ||
	    !is_for(audience, realm) ||
	    !between(xml, "NotOnOrAfter=\"", "\"", until, sizeof(until)) ||
	    !between(xml, "<!-- ", " ->", id, sizeof(id)))
		return NULL;
	add_instant(&now, oper_time(x->op));
	in_time = strcmp(text_of(&now), until) < 0;
	text_fini(&now);
	/* it is the token that is shown here, and no session to be lost */
	x->class = CLASS_LOGIN;
	for (; in_time && session == NULL && *kinds != 0; kinds++)
		session = session_find(x, *kinds, id);
	x->class = class;
	return session;
}
